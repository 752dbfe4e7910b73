# SPDX-License-Identifier: Apache-2.0
"""End-point errors of several estimators on several pairs of frames."""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..evaluation.end_point_error import EndPointError, known_flow_mask

#: Reported metrics of :class:`EndPointError` and the heads of their columns.
COLUMNS = dict(
    AEPE='AEPE',
    Fl_all='Fl-all %',
    AEPE_small='below 1 px',
    AEPE_medium='1 to 5 px',
    AEPE_boundary='boundary')


class FlowReport:
    """One row for each estimator and pair, and the means of each estimator.

    A mean is one over the pairs, of each pair's mean over its known pixels;
    a pair without such pixels (of small motion, at boundaries, ...) does not
    count. Beside it the pooled mean is over the known pixels of all pairs.
    A pair that an estimator refused is a row with the reason alone, and the
    means of that estimator are over the others.

    Args:
        estimators: Names of the estimators, in the order of the table.
    """

    def __init__(self, estimators: Sequence[str]) -> None:
        self._metrics = {name: EndPointError() for name in estimators}
        #: What was measured; a missing metric has no pixel.
        self.rows: list[dict[str, Any]] = []

    def add(self, estimator: str, pair: str, flow: np.ndarray,
            gt: np.ndarray) -> None:
        """Measure an estimated flow.

        Args:
            estimator: Name of the estimator.
            pair: Name of the pair.
            flow: Estimated flow ``(2, H, W)`` in pixels.
            gt: True flow, NaN where unknown.

        Raises:
            ValueError: The shapes differ or are not those of flows.
        """
        metric = self._metrics[estimator]
        # 2 x H x W -> 1 x 2 x 1 x H x W
        metric.process(None, [
            dict(pred_flow=flow[None, :, None], gt_flow=gt[None, :, None])
        ])
        values = metric.compute_metrics(metric.results[-1:])
        known = known_flow_mask(gt).numpy()
        finite = np.isfinite(flow).all(axis=0)
        self.rows.append(
            dict(
                estimator=estimator,
                pair=pair,
                **{name: values[name]
                   for name in COLUMNS if name in values},
                known_pixels=int(known.sum()),
                non_finite_pixels=int((known & ~finite).sum())))

    def refuse(self, estimator: str, pair: str, reason: str) -> None:
        """Note that an estimator gave no flow of a pair.

        Args:
            estimator: Name of the estimator.
            pair: Name of the pair.
            reason: One sentence.
        """
        self.rows.append(dict(estimator=estimator, pair=pair, error=reason))

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The rows without a flow."""
        return [row for row in self.rows if 'error' in row]

    def means(self, estimator: str) -> dict[str, float]:
        """Mean over the pairs of each metric."""
        means = {}
        for metric, values in self._values(estimator).items():
            if values:
                means[metric] = sum(values) / len(values)
        return means

    def pooled(self, estimator: str) -> dict[str, float]:
        """Mean over the pixels of all pairs of each metric."""
        metric = self._metrics[estimator]
        values = metric.compute_metrics(metric.results)
        return {name: values[name] for name in COLUMNS if name in values}

    def _values(self, estimator: str) -> dict[str, list[float]]:
        rows = [row for row in self.rows if row['estimator'] == estimator]
        return {
            name: [row[name] for row in rows if name in row]
            for name in COLUMNS
        }

    def to_text(self) -> str:
        """Table for the screen, with what its numbers mean."""
        width = max(len(name) for name in ('estimator', *self._metrics))
        lines = [
            f'{"estimator":<{width}}' + ''.join(f'{head:>12}'
                                                for head in COLUMNS.values())
        ]
        for name in self._metrics:
            means = self.means(name)
            cells = [
                f'{means[metric]:.3f}' if metric in means else '-'
                for metric in COLUMNS
            ]
            lines.append(f'{name:<{width}}' + ''.join(f'{cell:>12}'
                                                      for cell in cells))
        number = len(self.rows) // len(self._metrics)
        lines += [
            f'Mean over {number} pairs, of each pair\'s mean over its known '
            'pixels; a pair without',
            'pixels of a column does not count there.'
        ]
        lines += [
            f'{COLUMNS[name]}: {meaning}'
            for name, meaning in _definitions().items()
        ]
        return '\n'.join([*lines, *self._notes()])

    def _notes(self) -> Iterator[str]:
        """What the means do not show."""
        for name in self._metrics:
            rows = [row for row in self.rows if row['estimator'] == name]
            broken = [
                row['pair'] for row in rows if row.get('non_finite_pixels')
            ]
            if broken:
                yield (f'{name}: the flow is not finite in {len(broken)} '
                       f'pairs, the first one is {broken[0]!r}.')
            refused = [row for row in rows if 'error' in row]
            if refused:
                yield (f'{name}: no flow of {len(refused)} pairs, which its '
                       'means leave out; the first one is '
                       f'{refused[0]["pair"]!r}: {refused[0]["error"]}')

    def to_dict(self) -> dict[str, Any]:
        """Content for a JSON file.

        Returns:
            ``rows`` and ``means``; a metric is None where it has no pixel or
            is not finite (``non_finite_pixels`` tells which), or where the
            estimator refused the pair (``error`` tells why). And what the
            metrics mean, as ``definitions``.
        """
        return dict(
            definitions=_definitions(),
            rows=[{**row, **_metrics_for_json(row)} for row in self.rows],
            means=[
                dict(
                    estimator=name,
                    mean_over_pairs=_metrics_for_json(self.means(name)),
                    pooled_over_pixels=_metrics_for_json(self.pooled(name)),
                    num_pairs={
                        metric: len(values)
                        for metric, values in self._values(name).items()
                    }) for name in self._metrics
            ])


def _definitions() -> dict[str, str]:
    """What the columns mean."""
    metric = EndPointError()
    error = 'mean end-point error in pixels'
    return dict(
        AEPE=error,
        Fl_all='percent of pixels off by more than 3 px and 5 %',
        AEPE_small=f'{error} where the true motion is below 1 px',
        AEPE_medium=f'{error} where it is 1 to 5 px',
        AEPE_boundary=f'{error} within {metric.boundary_width} px of a motion '
        f'boundary, a jump of more than {metric.boundary_threshold:g} px')


def _metrics_for_json(values: Mapping[str, Any]) -> dict[str, float | None]:
    """All metrics; JSON has no number that is not finite."""
    return {
        name:
        values[name] if math.isfinite(values.get(name, math.nan)) else None
        for name in COLUMNS
    }
