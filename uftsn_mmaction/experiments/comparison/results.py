# SPDX-License-Identifier: Apache-2.0
"""The results of a comparison over estimators and seeds."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..table import Column, Spread, Table, json_value
from .entrants import Entrant

ACCURACY = 'acc/top1'
COLUMNS = (Column('flow/AEPE', 'AEPE, px'),
           Column('motion/top1', 'motion accuracy, %', '.1f', scale=100),
           Column(ACCURACY, 'accuracy, %', '.1f', scale=100))
METRICS = tuple(column.key for column in COLUMNS)


class FlowResults:
    """Metrics of each estimator and seed; statistics are over all seeds."""

    def __init__(self, entrants: Sequence[Entrant],
                 seeds: Sequence[int]) -> None:
        self.entrants = tuple(entrants)
        self.seeds = tuple(seeds)
        #: Reasons by name and seed.
        self.failures: dict[tuple[str, int], str] = {}
        self._metrics: dict[tuple[str, int], dict[str, float]] = {}

    def add(self, name: str, seed: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of a test, which must have the accuracy."""
        if ACCURACY not in metrics:
            raise ValueError(
                f'the test of {name!r} has the metrics {sorted(metrics)}, but '
                f'{ACCURACY!r} is needed; add an AccMetric to test_evaluator')
        self._metrics[name, seed] = dict(metrics)

    def fail(self, name: str, seed: int, reason: str) -> None:
        """Leave a gap."""
        self.failures[name, seed] = reason

    def summary(self, name: str, metric: str) -> Spread | None:
        """Summarize a metric over all seeds; None if one is missing."""
        return Spread.of(
            self._metrics.get((name, seed), {}).get(metric)
            for seed in self.seeds)

    def to_markdown(self) -> str:
        """Return the table with a column per metric that some test has."""
        found = {'name', 'seeds', ACCURACY}.union(*self._metrics.values())
        columns = (Column('name', 'estimator'), *COLUMNS,
                   Column('seeds', 'seeds'))
        table = Table([column for column in columns if column.key in found])
        seeds = ', '.join(map(str, self.seeds))
        for name in (entrant.name for entrant in self.entrants):
            values = {
                key: self.summary(name, key)
                for key in found.intersection(METRICS)
            }
            table.add(name=name, seeds=seeds, **values)
        return table.to_markdown()

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a JSON file, accuracies from 0 to 1."""
        return dict(
            seeds=list(self.seeds),
            rows=[
                dict(
                    estimator=entrant.name,
                    spec=entrant.spec,
                    config=entrant.estimator,
                    settings=entrant.settings,
                    metrics={
                        key: json_value(self.summary(entrant.name, key))
                        for key in METRICS
                    },
                    by_seed={
                        str(seed):
                        json_value(self._metrics.get((entrant.name, seed)))
                        for seed in self.seeds
                    }) for entrant in self.entrants
            ],
            failures=[
                dict(estimator=name, seed=seed, reason=reason)
                for (name, seed), reason in self.failures.items()
            ])
