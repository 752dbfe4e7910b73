# SPDX-License-Identifier: Apache-2.0
"""The flow of many sources, short ones of one size in a batch."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .background import ahead
from .flow_inferencer import FlowInferencer, PairFlow
from .source import Source
from .windows import Window, pairs_at_a_time, split_windows


class Progressed(NamedTuple):
    """Progress of one source: new pairs, its end, or its error.

    Attributes:
        source: Its number.
        pairs: Pairs that are estimated, in their order.
        has_ended: Whether these are the last ones.
        error: Why there are no more.
    """
    source: int
    pairs: Sequence[PairFlow] = ()
    has_ended: bool = False
    error: Exception | None = None


class FlowBatches:
    """Estimate the flow of sources one after the other.

    What is left of a source at its end, and of a short one that is all,
    waits for others of the same size, until there are ``batch_size`` pairs.
    No more than that wait, of all sizes together.

    Args:
        inferencer: Estimator.
        sources: Sources, and the number of the first pair of each.
        batch_size, stride, size: As of :class:`FlowInferencer`.
    """

    def __init__(self,
                 inferencer: FlowInferencer,
                 sources: Sequence[tuple[Source, int]],
                 batch_size: int = 8,
                 stride: int = 1,
                 size: int | None = None) -> None:
        self.inferencer = inferencer
        self.sources = sources
        self.batch_size = batch_size
        self.stride = stride
        self.size = size

    def __iter__(self) -> Iterator[Progressed]:
        waiting: dict[tuple, list[Window]] = defaultdict(list)
        # Decodes the next video while this one is estimated.
        for number, item in ahead(self._windows()):
            if isinstance(item, Exception):
                yield Progressed(number, error=item)
            elif item is None:
                yield Progressed(number, has_ended=True)
            elif not self._is_short(item):
                yield from self._estimate([item])
            else:
                shape = item.frames[0].image.shape
                limit = pairs_at_a_time(*shape[:2], self.batch_size)
                if _pairs(waiting[shape]) + _pairs([item]) > limit:
                    yield from self._estimate(waiting.pop(shape))
                waiting[shape].append(item)
                while sum(map(_pairs, waiting.values())) > self.batch_size:
                    fullest = max(waiting, key=lambda key: _pairs(
                        waiting[key]))
                    yield from self._estimate(waiting.pop(fullest))
        for windows in waiting.values():
            yield from self._estimate(windows)

    def _is_short(self, window: Window) -> bool:
        shape = window.frames[0].image.shape
        limit = pairs_at_a_time(*shape[:2], self.batch_size)
        return _pairs([window]) < limit

    def _windows(self) -> Iterator[tuple[int, Window | Exception | None]]:
        """Yield the windows of each source; None if none of them is short."""
        for number, (source, start) in enumerate(self.sources):
            window = None
            try:
                for window in split_windows(
                        number, source,
                        source.frames(self.stride, self.size, start), start,
                        self.batch_size):
                    yield number, window
            except (RuntimeError, ValueError) as error:
                yield number, error
            else:
                if window is None or not self._is_short(window):
                    yield number, None

    def _estimate(self, windows: Sequence[Window]) -> Iterator[Progressed]:
        """Estimate windows together, or alone where that fails."""
        try:
            flows = self.inferencer.flows_of(windows)
        except (RuntimeError, ValueError) as error:
            if len(windows) == 1:
                yield Progressed(windows[0].source, error=error)
                return
            for window in windows:
                yield from self._estimate([window])
            return
        for window, flow in zip(windows, flows):
            pairs = [
                PairFlow(window.first + number,
                         *window.frames[number:number + 2], each)
                for number, each in enumerate(flow)
            ]
            yield Progressed(window.source, pairs, self._is_short(window))


def _pairs(windows: Sequence[Window]) -> int:
    return sum(len(window.frames) - 1 for window in windows)
