# SPDX-License-Identifier: Apache-2.0
"""Flow of a single pair of frames, by any estimator."""
from __future__ import annotations

import numpy as np
import torch

from .flow import FlowEstimator


@torch.no_grad()
def flow_of_pair(estimator: FlowEstimator,
                 first: np.ndarray,
                 second: np.ndarray,
                 device: str | torch.device = 'cpu') -> np.ndarray:
    """Flow from one frame to another.

    Args:
        estimator: Any estimator, on ``device``.
        first: 8-bit RGB frame ``(H, W, 3)``.
        second: The frame after it.
        device: Where to estimate.

    Returns:
        Flow ``(2, H, W)`` in pixels, float32.

    Raises:
        ValueError: The model gives something else than the flow of a pair.
    """
    # T x H x W x 3 -> 1 x 3 x T x H x W, in [0, 1]
    clip = torch.from_numpy(np.stack([first, second])).to(device)
    clip = clip.permute(3, 0, 1, 2)[None].float() / 255
    flow = estimator.levels(clip)[0]
    expected = (1, 2, 1, *first.shape[:2])
    if flow.shape != expected:
        raise ValueError(
            f'{type(estimator).__name__} gives {tuple(flow.shape)} for one '
            f'pair, expected a flow {expected}; name a flow estimator whose '
            'out_indices begin with 0')
    return flow[0, :, 0].float().cpu().numpy()
