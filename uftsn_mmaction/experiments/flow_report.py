# SPDX-License-Identifier: Apache-2.0
"""End-point errors of several estimators on several pairs of frames."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from ..evaluation.end_point_error import EndPointError, known_flow_mask
from .table import Column, Table, json_value

#: Metrics of :class:`EndPointError` in the table.
METRICS = (Column('AEPE', 'AEPE, px'), Column('Fl_all', 'Fl-all, %'),
           Column('AEPE_small', 'below 1 px'),
           Column('AEPE_medium', '1 to 5 px'),
           Column('AEPE_boundary', 'boundary'))
#: Errors in the table of pairs without a known flow.
UNEXPLAINED = (Column('photometric', 'photometric, grey levels'),
               Column('photometric_zero', 'of zero flow'),
               Column('forward_backward', 'forward-backward, px'))
_KEYS = tuple(column.key for column in (*METRICS, *UNEXPLAINED))


class FlowReport:
    """One row per estimator and pair, and the means of each estimator.

    A pair has either end-point errors, or what can be measured without a
    known flow.

    A mean over pairs leaves out pairs without pixels of the metric (small
    motion, boundaries, ...), and pairs that the estimator refuses.
    """

    def __init__(self, estimators: Sequence[str]) -> None:
        self._metrics = {name: EndPointError() for name in estimators}
        #: Measurements; a metric without pixels is missing.
        self.rows: list[dict[str, Any]] = []

    def add(self, estimator: str, pair: str, flow: np.ndarray,
            gt: np.ndarray) -> None:
        """Measure a flow ``(2, H, W)`` in pixels.

        The true flow is NaN where it is not known.
        """
        metric = self._metrics[estimator]
        # 2 x H x W -> 1 x 2 x 1 x H x W
        sample = dict(pred_flow=flow[None, :, None], gt_flow=gt[None, :, None])
        metric.process(None, [sample])
        known = known_flow_mask(gt).numpy()
        finite = np.isfinite(flow).all(axis=0)
        judged = known if known.any() else np.ones_like(known)
        self.rows.append(
            dict(estimator=estimator, pair=pair,
                 **_reported(metric, metric.results[-1:]),
                 known_pixels=int(known.sum()),
                 non_finite_pixels=int((judged & ~finite).sum())))

    def add_unknown(self, estimator: str, pair: str, flow: np.ndarray,
                    errors: Mapping[str, float]) -> None:
        """Note the errors of a flow ``(2, H, W)`` that nobody knows.

        They are those of :func:`.explain`.
        """
        finite = np.isfinite(flow).all(axis=0)
        self.rows.append(
            dict(estimator=estimator, pair=pair, **errors, known_pixels=0,
                 non_finite_pixels=int((~finite).sum())))

    def refuse(self, estimator: str, pair: str, reason: str) -> None:
        """Note that an estimator has no flow of a pair, and why."""
        self.rows.append(dict(estimator=estimator, pair=pair, error=reason))

    @property
    def refused(self) -> list[dict[str, Any]]:
        """Rows without a flow."""
        return [row for row in self.rows if 'error' in row]

    def means(self, estimator: str) -> dict[str, float]:
        """Return the mean over the pairs of each metric."""
        return {key: mean(values)
                for key, values in self._values(estimator).items() if values}

    def pooled(self, estimator: str) -> dict[str, float]:
        """Return the mean over the pixels of all pairs of each metric."""
        metric = self._metrics[estimator]
        return _reported(metric, metric.results)

    def to_text(self) -> str:
        """Return the table for a terminal, with what its numbers mean."""
        return '\n'.join([
            *self._table(METRICS, "each pair's mean over its known pixels"),
            *self._table(UNEXPLAINED, "each pair's mean over its pixels"),
            *self._notes()
        ])

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a JSON file.

        A metric is None where it has no pixel, is not finite (see
        ``non_finite_pixels``), or the estimator refused the pair (``error``).
        """
        means = []
        for name in self._metrics:
            numbers = {key: len(values)
                       for key, values in self._values(name).items()}
            means.append(
                dict(estimator=name,
                     mean_over_pairs=_complete(self.means(name)),
                     pooled_over_pixels=_complete(self.pooled(name)),
                     num_pairs=numbers))
        return dict(definitions=_definitions(),
                    rows=[row | _complete(row) for row in self.rows],
                    means=means)

    def _rows_of(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row['estimator'] == name]

    def _values(self, name: str) -> dict[str, list[float]]:
        rows = self._rows_of(name)
        return {key: [row[key] for row in rows if key in row] for key in _KEYS}

    def _table(self, columns: Sequence[Column], what: str) -> Iterator[str]:
        """Yield the table of some metrics, if a pair has the first of them."""
        rows = [row for row in self.rows if columns[0].key in row]
        if not rows and columns is not METRICS:
            return
        if not rows and any(UNEXPLAINED[0].key in row for row in self.rows):
            return
        table = Table([Column('estimator', 'estimator'), *columns])
        keys = {column.key for column in columns}
        for name in self._metrics:
            means = self.means(name)
            table.add(estimator=name, **{
                key: means[key] for key in keys & means.keys()})
        number = len({row['pair'] for row in rows})
        definitions = _definitions()
        yield table.to_text()
        yield (f'Mean over {number} pairs of {what}; a pair without\n'
               'pixels of a column does not count there.')
        for column in columns:
            yield f'{column.head}: {definitions[column.key]}'
        yield from self._by_folder(columns[0])

    def _by_folder(self, column: Column) -> Iterator[str]:
        """Yield the mean of a metric in each folder, if there are several."""
        folders: dict[str, set[str]] = {}
        for row in self.rows:
            if column.key in row:
                folder = row['pair'].rpartition('/')[0].partition('/')[0]
                folders.setdefault(folder, set()).add(row['pair'])
        if len(folders) < 2:
            return
        table = Table([Column('estimator', column.head),
                       *(Column(folder, f'{folder or "."} ({len(pairs)})')
                         for folder, pairs in folders.items())])
        for name in self._metrics:
            errors = {
                folder: [row[column.key] for row in self._rows_of(name)
                         if row['pair'] in pairs and column.key in row]
                for folder, pairs in folders.items()
            }
            table.add(estimator=name, **{
                folder: mean(values) for folder, values in errors.items()
                if values})
        yield table.to_text()

    def _notes(self) -> Iterator[str]:
        """Yield what the means do not show."""
        for name in self._metrics:
            rows = self._rows_of(name)
            broken = [row['pair'] for row in rows
                      if row.get('non_finite_pixels')]
            if broken:
                yield (f'{name}: the flow is not finite in {len(broken)} '
                       f'pairs, first in {broken[0]!r}')
            refused = [row for row in rows if 'error' in row]
            if refused:
                yield (f'{name}: no flow of {len(refused)} pairs, which its '
                       f'means leave out; first {refused[0]["pair"]!r}: '
                       f'{refused[0]["error"]}')


def _definitions() -> dict[str, str]:
    metric = EndPointError()
    error = 'mean end-point error in pixels'
    return dict(
        AEPE=error,
        Fl_all='percentage of pixels off by more than 3 px and 5 %',
        AEPE_small=f'{error} where the true motion is below 1 px',
        AEPE_medium=f'{error} where the true motion is 1 to 5 px',
        AEPE_boundary=f'{error} within {metric.boundary_width} px of a motion '
        f'boundary, a jump of more than {metric.boundary_threshold:g} px',
        photometric='mean difference of the first frame and the warped second',
        photometric_zero='the same for the frames as they are',
        forward_backward='mean distance to where flow and reverse flow lead')


def _reported(metric: EndPointError, results: list) -> dict[str, float]:
    values = metric.compute_metrics(results)
    return {key: values[key] for key in _KEYS if key in values}


def _complete(values: dict[str, Any]) -> dict[str, float | None]:
    """Return all metrics for JSON, None for what is missing."""
    return {key: json_value(values.get(key)) for key in _KEYS}
