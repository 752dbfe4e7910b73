# SPDX-License-Identifier: Apache-2.0
"""Parts of a batch of clips, whose maps stay in a CPU's cache."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .features import Features

# Three pairs of 224x224, measured on an x86 core.
_PIXELS_AT_A_TIME = 3 * 224**2


def parts_of_clips(features: Features,
                   x: Tensor) -> list[list[tuple[Features, Tensor]]]:
    """Split clips into a few pairs at a time.

    The maps of whole clips do not fit into a CPU's cache: on their way to the
    memory and back they would take a fifth of the time.

    Args:
        features: Features of the clips.
        x: Clips ``(N, 3, T, H, W)``.

    Returns:
        Rows of one clip or several, with the parts of their time in order;
        one part outside of a CPU and in a graph, which has no cache to think
        of.
    """
    batch, _, frames, height, width = x.shape
    if torch.compiler.is_compiling() or x.device.type != 'cpu':
        return [[(features, x)]]
    pairs = max(1, _PIXELS_AT_A_TIME // (height * width))
    step, clips = min(pairs, frames - 1), max(1, pairs // (frames - 1))
    return [[
        _part(features, x, slice(clip, clip + clips),
              slice(start, start + step + 1))
        for start in range(0, frames - 1, step)
    ] for clip in range(0, batch, clips)]


def _part(features: Features, x: Tensor, clips: slice,
          time: slice) -> tuple[Features, Tensor]:
    return {key: (q[clips, time], prepared[clips, time])
            for key, (q, prepared) in features.items()}, x[clips, :, time]


def join_parts(
        rows: Sequence[Sequence[tuple[Tensor, ...]]]) -> tuple[Tensor, ...]:
    """Join the flows of parts, ``(n, 2, t, H_l, W_l)`` by level each."""
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    joined = [[torch.cat(level, dim=2) for level in zip(*row)] for row in rows]
    return tuple(torch.cat(level) for level in zip(*joined))
