# SPDX-License-Identifier: Apache-2.0
"""Flows of several estimators side by side, without a true flow."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..evaluation.reconstruction_error import reconstruction_maps
from ..models.flow.warp import backward_warp
from ..visualization import Tile, add_wheel, flow_to_color, heat_map, tile
from .flow_inferencer import FlowInferencer, PairFlow
from .source import Source

# Grey levels that are shown in the brightest colour.
_GREY_LEVELS = 64
_PERCENTILE = 98
_LEAST_SCALE = 0.25  # pixels


class Explained(NamedTuple):
    """A flow, and what it leaves unexplained.

    Attributes:
        flow: ``(2, H, W)`` in pixels.
        warped: Second frame, brought to the first one, 8-bit ``(H, W, 3)``.
        photometric: Difference to the first frame in grey levels ``(H, W)``.
        forward_backward: Pixels between a pixel and where flow and reverse
            flow lead ``(H, W)``.
        errors: Means of ``photometric``, ``photometric_zero`` (of zero flow)
            and ``forward_backward``, as ``ReconstructionError`` defines them.
    """
    flow: np.ndarray
    warped: np.ndarray
    photometric: np.ndarray
    forward_backward: np.ndarray
    errors: dict[str, float]


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
            results[name] = explain(pair)
            for kind, value in results[name].errors.items():
                self.errors[name][kind].append(value)
        return ComparedPair(source, index, first.image, second.image,
                            first.time, results)


def explain(pair: PairFlow) -> Explained:
    """Measure how well the flow of a pair maps its frames to each other."""
    first, second = (_as_tensor(frame.image.transpose(2, 0, 1))
                     for frame in (pair.first, pair.second))
    flow, back = _as_tensor(pair.flow), _as_tensor(pair.reverse_flow)
    maps = reconstruction_maps(flow, back, first, second)
    there = {name: values[0, 0].numpy() for name, values in maps.items()}
    inside = max(1, there['inside'].sum())
    warped = backward_warp(second, flow)[0].round().clamp(0, 255)
    return Explained(
        pair.flow, warped.permute(1, 2, 0).numpy().astype(np.uint8),
        there['photometric'], there['forward_backward'],
        dict(photometric=float(there['photometric'].mean()),
             photometric_zero=float(there['photometric_zero'].mean()),
             forward_backward=float(
                 there['forward_backward'].sum() / inside)))


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
    far = max(1., max_norm / 4)
    for pair in pairs:
        zero = np.abs(pair.first.astype(float) - pair.second).mean(-1)
        blank = np.full_like(pair.first, 255)
        rows.append([
            Tile(pair.first, f'{pair.source.name}, pair {pair.index + 1}'),
            Tile(pair.second, 'the frame after it'),
            Tile(heat_map(zero, _GREY_LEVELS),
                 f'difference: {zero.mean():.2f} grey levels'),
            Tile(add_wheel(blank, 0.8), f'full colour: {max_norm:.1f} px')])
        for name, result in pair.results.items():
            errors = result.errors
            rows.append([
                Tile(flow_to_color(result.flow, max_norm), name),
                Tile(result.warped, 'second frame, warped'),
                Tile(heat_map(result.photometric, _GREY_LEVELS),
                     f'photometric: {errors["photometric"]:.2f} grey levels'),
                Tile(heat_map(result.forward_backward, far),
                     'forward-backward: '
                     f'{errors["forward_backward"]:.2f} px')])
    return tile(rows)


def _as_tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None].float()
