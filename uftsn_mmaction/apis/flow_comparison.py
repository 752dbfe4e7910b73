# SPDX-License-Identifier: Apache-2.0
"""Flows of several estimators side by side, without a true flow."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..evaluation.explained_flow import Explained, explain
from ..visualization.explained_tiles import explained_row, frames_row
from ..visualization.tiles import tile
from .flow_inferencer import FlowInferencer
from .source import Source

_PERCENTILE = 98
_LEAST_SCALE = 0.25  # pixels


class ComparedPair(NamedTuple):
    """Two frames and what each estimator makes of them."""
    source: Source
    index: int
    first: np.ndarray
    second: np.ndarray
    time: float
    results: dict[str, Explained]


class FlowComparison:
    """Compare estimators on pairs of frames whose flow nobody knows.

    Args:
        inferencers: Estimators by name.
        stride, size: As of :class:`FlowInferencer`.

    Attributes:
        errors: Errors of all pairs so far, by estimator and kind.
    """

    def __init__(self,
                 inferencers: Mapping[str, FlowInferencer],
                 stride: int = 1,
                 size: int | None = None) -> None:
        self.inferencers = inferencers
        self.stride = stride
        self.size = size
        self.errors: dict[str, dict[str, list[float]]] = {
            name: defaultdict(list) for name in inferencers}

    def pairs(self, source: Source,
              number: int | None = None) -> Iterator[ComparedPair]:
        """Yield pairs of a source: all, or some that are spread over it."""
        for pair in source.pairs(self.stride, self.size, number):
            yield self._compare(source, *pair)

    def _compare(self, source, index, first, second) -> ComparedPair:
        results = {}
        for name, inferencer in self.inferencers.items():
            pair, = inferencer.stream(
                np.stack([first.image, second.image]), both=True)
            results[name] = explain(first.image, second.image, pair.flow,
                                    pair.reverse_flow)
            for kind, value in results[name].errors.items():
                self.errors[name][kind].append(value)
        return ComparedPair(source, index, first.image, second.image,
                            first.time, results)


def common_scale(pairs: Iterable[ComparedPair]) -> float:
    """Return a speed that few pixels of any flow exceed."""
    speeds = [np.percentile(np.hypot(*np.nan_to_num(result.flow)), _PERCENTILE)
              for pair in pairs for result in pair.results.values()]
    return max([_LEAST_SCALE, *speeds])


def comparison_picture(pairs: Sequence[ComparedPair],
                       max_norm: float) -> np.ndarray:
    """Draw pairs below each other, the flows on one scale.

    The first row of each has the frames and their difference, which is the
    photometric error of zero flow; each further row has an estimator's flow,
    the second frame warped by it, and its two errors.

    Args:
        pairs: Pairs of one size.
        max_norm: Speed in pixels that has the full colour.

    Returns:
        8-bit RGB ``(H, W, 3)``.
    """
    rows = []
    for pair in pairs:
        rows.append(frames_row(
            pair.first, pair.second, max_norm,
            f'{pair.source.name}, pair {pair.index + 1}'))
        rows += [explained_row(result, name, max_norm)
                 for name, result in pair.results.items()]
    return tile(rows)
