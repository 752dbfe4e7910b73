# SPDX-License-Identifier: Apache-2.0
"""Pairs of frames at the size of each level's flow (sec. 2.2)."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def check_level_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """The weights as a tuple, if they make sense."""
    if isinstance(weights, (int, float)):
        weights = (weights, )
    weights = tuple(float(weight) for weight in weights)
    if not weights or min(weights) < 0 or max(weights) == 0:
        raise ValueError('level_weights must hold one weight for each level '
                         'from level 0 on, none below zero and at least one '
                         f'above, got {weights}')
    return weights


def iterate_levels(
    flows: Sequence[Tensor] | Tensor,
    clip: Tensor,
    level_weights: Sequence[float],
    image_scale: float,
    backward: bool,
) -> Iterator[tuple[float, Tensor, Tensor, Tensor]]:
    """Walk over the levels with the frames that each flow connects.

    Args:
        flows: Flows ``(N, 2, T-1, H_l, W_l)``, finest level first.
        clip: Clips ``(N, 3, T, H, W)``.
        level_weights: Weight of each level; a level of weight 0 is skipped.
        image_scale: Factor from the clip's range to 0..255.
        backward: True if the flows lead from frame t+1 to frame t.

    Yields:
        The level's weight, its flow ``(N*(T-1), 2, H_l, W_l)``, the frame
        where the flow starts and the frame where it ends, both
        ``(N*(T-1), 3, H_l, W_l)`` in 0..255, float32 at least.

    Raises:
        ValueError: Weights and flows differ in number.
    """
    flows = (flows, ) if isinstance(flows, Tensor) else tuple(flows)
    if len(flows) != len(level_weights):
        raise ValueError(
            f'level_weights has {len(level_weights)} entries, but the flow '
            f'estimator returns {len(flows)} levels; give one weight for '
            'each entry of its out_indices')
    batch, _, length = clip.shape[:3]
    # N x 3 x T x H x W -> (N * T) x 3 x H x W
    frames = clip.transpose(1, 2).flatten(0, 1)
    frames = frames.to(torch.promote_types(frames.dtype, torch.float32))
    frames = frames * image_scale
    for weight, flow in zip(level_weights, flows):
        if frames.shape[-2:] != flow.shape[-2:]:
            # The mean over the area a coarse pixel covers keeps out aliases.
            frames = F.interpolate(frames, size=flow.shape[-2:], mode='area')
        if weight == 0:
            continue
        level = frames.view(batch, length, *frames.shape[1:])
        early = level[:, :-1].flatten(0, 1)
        late = level[:, 1:].flatten(0, 1)
        first, second = (late, early) if backward else (early, late)
        # N x 2 x (T-1) x h x w -> (N * (T-1)) x 2 x h x w
        yield weight, flow.transpose(1, 2).flatten(0, 1), first, second
