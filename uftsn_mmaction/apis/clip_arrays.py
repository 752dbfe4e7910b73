# SPDX-License-Identifier: Apache-2.0
"""Frames and flow as arrays outside, and as tensors of an estimator."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Enough for every plan, at two scales too.
_SMALLEST = 64


def clips_of_arrays(arrays: Sequence[np.ndarray],
                    device: torch.device) -> Tensor:
    """Return clips ``(N, 3, T, H, W)`` in [0, 1] of 8-bit RGB frames.

    Args:
        arrays: N clips ``(T, H, W, 3)`` of one size. Small frames are padded
            at the right and below.
        device: Device of the result.
    """
    # N x T x H x W x 3 -> N x 3 x T x H x W
    frames = torch.from_numpy(np.stack(arrays)).to(device)
    frames = frames.permute(0, 4, 1, 2, 3).float() / 255
    height, width = frames.shape[-2:]
    return F.pad(frames, (0, max(0, _SMALLEST - width),
                          0, max(0, _SMALLEST - height), 0, 0),
                 mode='replicate')  # yapf: disable


def array_of_flow(flow: Tensor, size: Sequence[int]) -> np.ndarray:
    """Return flow ``(N, 2, T-1, H, W)`` as an array of frames of a size.

    The array is ``(N*(T-1), 2, *size)``, float32; what was padded is cut off.
    """
    flow = flow[..., :size[0], :size[1]].transpose(1, 2).flatten(0, 1)
    return flow.float().cpu().numpy()
