# SPDX-License-Identifier: Apache-2.0
"""The levels from coarse to fine (eq. 2 to 5)."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .features import Features, compared_features
from .level_dropout import LevelDropout
from .match import Matcher
from .precision import Arithmetic
from .warp import resize_flow


def decode_levels(
    features: Features,
    dtype: torch.dtype,
    backward: bool,
    levels: Sequence[int],
    num_scales: int,
    matchers: Mapping[int, Matcher],
    decoders: nn.Module,
    level_dropout: LevelDropout,
    arithmetic: Arithmetic,
) -> tuple[dict[int, Tensor], Tensor]:
    """Estimate the flow of each level from that of the next coarser one.

    Args:
        features: Prepared features of all scales and levels, see
            :func:`encode_clips`.
        dtype: Type of the frames.
        backward: Whether the flow leads from frame t+1 to frame t.
        levels: Levels to decode, coarsest first; another pass at a level
            names it again.
        num_scales: Number of sizes of the frames. A larger size starts from
            the flow of the next smaller one.
        matchers: Warping and comparison of each level.
        decoders: Decoders of all levels, see :func:`build_decoders`.
        level_dropout: Applied to all passes but the last.
        arithmetic: Type and layout of the convolutions.

    Returns:
        Flow of each level of the full-size frames, ``(N, 2, h, w)`` in pixels
        of the level; and the state of the decoder at the last one or, where
        it carries none, the feature of that level.
    """
    # float32 even where autocast gives features of half precision, which
    # cannot hold a pixel coordinate.
    dtype = torch.promote_types(dtype, torch.float32)
    flows: dict[int, Tensor] = {}
    flow, last = None, len(levels) - 1
    for scale in reversed(range(num_scales)):
        state = None
        for index, level in enumerate(levels):
            q1, one, two = compared_features(features[scale, level], backward)
            size = q1.shape[-2:]
            up = None if flow is None else resize_flow(flow, size)
            # eq. 2 and 3
            evidence = matchers[level].match(one, two, up)
            if up is None:
                up = q1.new_zeros((q1.shape[0], 2, *size), dtype=dtype)
            # eq. 4
            residual, state = decoders(level, q1, up, evidence, state,
                                       arithmetic)
            if scale or index < last:
                residual, state = level_dropout(residual, state)
            # eq. 5
            flow = up + residual.to(dtype)
            flows[level] = flow
    return flows, q1 if state is None else state
