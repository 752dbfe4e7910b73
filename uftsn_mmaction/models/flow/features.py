# SPDX-License-Identifier: Apache-2.0
"""Features of the frames of clips, extracted once for each frame."""
from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ...clips import take_windows
from .match import Matcher
from .pyramid import FeaturePyramid

#: By scale and level: features ``(N, T, C, H, W)``, and the same prepared to
#: match.
Features = dict[tuple[int, int], tuple[Tensor, Tensor]]


def encode_clips(pyramid: FeaturePyramid, matchers: Mapping[int, Matcher],
                 x: Tensor, memory_format: torch.memory_format,
                 num_scales: int) -> Features:
    """Extract the features of clips ``(N, 3, T, H, W)`` and prepare them.

    Args:
        pyramid: Extractor of the features of a frame.
        matchers: By level, what the features are prepared for.
        x: Clips.
        memory_format: Layout of the frames and their features.
        num_scales: Number of sizes; at scale s, the frames are 2**s times
            smaller.
    """
    batch, _, frames = x.shape[:3]
    # N x 3 x T x H x W -> (N * T) x 3 x H x W
    images = x.transpose(1, 2).flatten(0, 1)
    images = images.to(memory_format=memory_format)
    features = {}
    for scale in range(num_scales):
        if scale:
            images = F.avg_pool2d(images, 2, ceil_mode=True)
        maps = pyramid(images)
        for level, matcher in matchers.items():
            q = maps[level]
            prepared = matcher.prepare(q)
            # (N * T) x C x H x W -> N x T x C x H x W
            shape = (batch, frames, *q.shape[1:])
            features[scale, level] = (q.view(shape), prepared.view(shape))
    return features


def features_of_pairs(features: Features, starts: Tensor) -> Features:
    """Return the features of drawn pairs, see :func:`take_windows`."""
    # N x T x C x H x W <-> N x C x T x H x W
    return {
        key: tuple(
            take_windows(maps.transpose(1, 2), starts, 2).transpose(1, 2)
            for maps in both)
        for key, both in features.items()
    }


def features_of_both(first: Features, second: Features) -> Features:
    """Return the features of a clip in which one clip follows another."""
    return {
        key: tuple(
            torch.cat(pair, dim=1) for pair in zip(maps, second[key]))
        for key, maps in first.items()
    }


def compared_features(
        maps: tuple[Tensor, Tensor],
        backward: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the pairs of clips compare at a level.

    Args:
        maps: Features and prepared features of the level.
        backward: Whether the later frame of a pair is its first one.

    Returns:
        Features of the first frames, then prepared ones of the first and of
        the second frames, each ``(N * (T-1), C, H, W)``.
    """
    q, prepared = maps
    first, second = slice(0, -1), slice(1, None)
    if backward:
        first, second = second, first
    return (_flat(q[:, first]), _flat(prepared[:, first]),
            _flat(prepared[:, second]))


def _flat(maps: Tensor) -> Tensor:
    """Map ``(N, T, C, H, W)`` to ``(N * T, C, H, W)`` of the same layout."""
    if maps[0].is_contiguous(memory_format=torch.channels_last):
        # Those of several clips are copied, which would make them contiguous.
        return maps.movedim(2, -1).flatten(0, 1).movedim(-1, 1)
    return maps.flatten(0, 1)
