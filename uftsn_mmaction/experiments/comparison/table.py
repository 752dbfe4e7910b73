# SPDX-License-Identifier: Apache-2.0
"""The table of a comparison: means and spreads over seeds."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import mean, stdev
from typing import Any

from .entrants import Entrant


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        head: Its title.
        metric: Name of the metric.
        scale: What the metric is multiplied with.
        digits: Decimals.
    """
    head: str
    metric: str
    scale: float = 100
    digits: int = 1


COLUMNS = (Column('AEPE, px', 'flow/AEPE', 1, 3),
           Column('motion accuracy, %', 'motion/top1'),
           Column('accuracy, %', 'acc/top1'))


class FlowTable:
    """Metrics of each estimator and seed.

    Args:
        entrants: Rows.
        seeds: Seeds asked for; a mean is one over all of them.
    """

    def __init__(self, entrants: Sequence[Entrant],
                 seeds: Sequence[int]) -> None:
        self.entrants = tuple(entrants)
        self.seeds = tuple(seeds)
        #: What went wrong, by name and seed.
        self.failures: dict[tuple[str, int], str] = {}
        self._metrics: dict[tuple[str, int], dict[str, float]] = {}

    def add(self, name: str, seed: int, metrics: Mapping[str, float]) -> None:
        """Fill in what a test has found.

        Raises:
            ValueError: The accuracy is missing.
        """
        missing = [
            column.metric for column in COLUMNS[-1:]
            if column.metric not in metrics
        ]
        if missing:
            raise ValueError(
                f'the test of {name!r} has the metrics {sorted(metrics)}, but '
                f'{missing[0]!r} is needed; add an AccMetric to '
                'test_evaluator')
        self._metrics[name, seed] = dict(metrics)

    def fail(self, name: str, seed: int, reason: str) -> None:
        """Leave a gap."""
        self.failures[name, seed] = reason

    def summary(self, name: str, metric: str) -> dict[str, float] | None:
        """Mean, standard deviation (n - 1) and range over all seeds.

        None where a seed is missing, as the mean of fewer is another number,
        or a value is not finite; ``std`` is None for one seed.
        """
        values = [
            self._metrics.get((name, seed), {}).get(metric)
            for seed in self.seeds
        ]
        if None in values or not all(map(isfinite, values)):
            return None
        return dict(
            mean=mean(values),
            std=stdev(values) if len(values) > 1 else None,
            min=min(values),
            max=max(values))

    def to_markdown(self) -> str:
        """Table with a column for each metric that some test has."""
        columns = [
            column for column in COLUMNS if any(
                column.metric in found
                for found in self._metrics.values()) or column is COLUMNS[-1]
        ]
        seeds = ', '.join(map(str, self.seeds))
        rows = [['estimator', *(column.head for column in columns), 'seeds'],
                ['---'] * (len(columns) + 2)]
        rows += [[
            entrant.name, *(self._cell(entrant.name, column)
                            for column in columns), seeds
        ] for entrant in self.entrants]
        return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)

    def _cell(self, name: str, column: Column) -> str:
        found = self.summary(name, column.metric)
        if found is None:
            return '-'

        def show(key: str) -> str:
            return f'{column.scale * found[key]:.{column.digits}f}'

        # One seed, or the error of a flow that no seed changes.
        if found['min'] == found['max']:
            return show('mean')
        return (f'{show("mean")} ± {show("std")} '
                f'({show("min")} to {show("max")})')

    def _for_json(self, name: str, seed: int) -> dict[str, Any] | None:
        """Metrics of a test; JSON has no number that is not finite."""
        found = self._metrics.get((name, seed))
        return found and {
            metric: value if isfinite(value) else None
            for metric, value in found.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Content for a JSON file; accuracies are from 0 to 1, gaps None."""
        return dict(
            seeds=list(self.seeds),
            rows=[
                dict(
                    estimator=entrant.name,
                    spec=entrant.spec,
                    config=entrant.estimator,
                    settings=entrant.settings,
                    metrics={
                        column.metric:
                        self.summary(entrant.name, column.metric)
                        for column in COLUMNS
                    },
                    by_seed={
                        str(seed): self._for_json(entrant.name, seed)
                        for seed in self.seeds
                    }) for entrant in self.entrants
            ],
            failures=[
                dict(estimator=name, seed=seed, reason=reason)
                for (name, seed), reason in self.failures.items()
            ])
