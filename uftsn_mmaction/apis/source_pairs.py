# SPDX-License-Identifier: Apache-2.0
"""Pairs of frames of videos, whose flow nobody knows."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..datasets.flow_pairs import FlowPair
from .source import Source


class SourcePairs:
    """Some pairs of each video or clip, spread over it.

    Args:
        sources: Videos and clips.
        number: Pairs of each.
        stride: Frames from the first to the second one of a pair.
        size: Shorter side in pixels; None for that of the source.
    """

    def __init__(self, sources: Sequence[Source], number: int = 10,
                 stride: int = 1, size: int | None = None) -> None:
        self.sources = sources
        self.number = number
        self.stride = stride
        self.size = size

    def __len__(self) -> int:
        return sum(len(source.spread(self.stride, self.number))
                   for source in self.sources)

    def __iter__(self) -> Iterator[FlowPair]:
        for source in self.sources:
            for index, first, second in source.pairs(
                    self.stride, self.size, self.number):
                shape = 2, *first.image.shape[:2]
                yield FlowPair(f'{source.name} {index + 1:04d}', first.image,
                               second.image,
                               np.full(shape, np.nan, np.float32))

    def settings(self) -> dict[str, Any]:
        """Describe the pairs for JSON."""
        return dict(videos=[str(source) for source in self.sources],
                    per_video=self.number, stride=self.stride, size=self.size,
                    num_pairs=len(self))
