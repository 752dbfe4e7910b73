# SPDX-License-Identifier: Apache-2.0
"""Table 2 as a run: trainings, tests and their table."""
from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope

from ...engine.hooks.stage import stage_epochs
from ...fileio import AtomicLocalBackend, write_json
from ..environment import environment
from ..run import lock_folder, note_failure
from ..table import Column, Grid, Spread, Table, json_value
from ..tools import RunSettings
from .entrants import OURS_JOINT, Entrant, read_entrants
from .plan import Job, read_config

ACCURACY = 'acc/top1'
COLUMNS = (Column('flow/AEPE', 'AEPE, px'),
           Column('motion/top1', 'motion accuracy, %', '.1f', scale=100),
           Column(ACCURACY, 'accuracy, %', '.1f', scale=100))


class FlowResults(Grid):
    """Metrics of each estimator and seed; statistics are over all seeds."""

    def __init__(self, entrants: Sequence[Entrant],
                 seeds: Sequence[int]) -> None:
        super().__init__()
        self.entrants = tuple(entrants)
        self.seeds = tuple(seeds)

    def add(self, name: str, seed: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of a test, which must have the accuracy."""
        if ACCURACY not in metrics:
            raise ValueError(
                f'the test of {name!r} has the metrics {sorted(metrics)}, but '
                f'{ACCURACY!r} is needed; add an AccMetric to test_evaluator')
        self.metrics[name, seed] = metrics

    def summary(self, name: str, metric: str) -> Spread | None:
        """Summarize a metric over all seeds; None if one is missing."""
        runs = [(name, seed) for seed in self.seeds]
        return Spread.of(self.values(runs, metric))

    def to_markdown(self) -> str:
        """Return the table with a column per metric that some test has."""
        found = {ACCURACY}.union(*self.metrics.values())
        columns = [column for column in COLUMNS if column.key in found]
        table = Table([Column('name', 'estimator'), *columns,
                       Column('seeds', 'seeds')])
        seeds = ', '.join(map(str, self.seeds))
        for name in (entrant.name for entrant in self.entrants):
            values = {column.key: self.summary(name, column.key)
                      for column in columns}
            table.add(name=name, seeds=seeds, **values)
        return table.to_markdown()

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a JSON file, accuracies from 0 to 1."""
        rows = []
        for entrant in self.entrants:
            name = entrant.name
            metrics = {column.key: json_value(self.summary(name, column.key))
                       for column in COLUMNS}
            by_seed = {str(seed): json_value(self.metrics.get((name, seed)))
                       for seed in self.seeds}
            rows.append(
                dict(estimator=name, spec=entrant.spec,
                     config=entrant.estimator, settings=entrant.settings,
                     metrics=metrics, by_seed=by_seed))
        failures = [dict(estimator=name, seed=seed, reason=reason)
                    for (name, seed), reason in self.failures.items()]
        return dict(seeds=list(self.seeds), rows=rows, failures=failures)


def compare_flows(config: Path, specs: Sequence[str], seeds: Sequence[int],
                  settings: RunSettings,
                  options: Mapping[str, Any] | None = None) -> FlowResults:
    """Train one classifier on the flow of each estimator, and test it.

    Everything is checked first. Finished work is not done again, and an
    interrupted training goes on. After a failure the next training follows.
    ``flows.json`` and ``flows.md`` in the work directory get the results.
    """
    # MMEngine knows the names of MMAction2's parts in its scope alone.
    init_default_scope('mmaction')
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f'--seeds are {list(seeds)}, expected one or more '
                         'different numbers from 0 up')
    cfg = read_config(config, options)
    entrants = read_entrants(specs, cfg.model.flow_estimator.to_dict())
    results = FlowResults(entrants, seeds)
    jobs = [Job.build(cfg, entrant, seed, settings)
            for seed in seeds for entrant in entrants]
    with lock_folder(settings.work_dir):
        for job in jobs:
            job.check()
        for job in jobs:
            name, seed = job.entrant.name, job.seed
            with note_failure(f'{name}, seed {seed}',
                              partial(results.fail, (name, seed))):
                results.add(name, seed, job.run())
        _write(results, cfg, settings, options)
    return results


def _write(results: FlowResults, cfg: Config, settings: RunSettings,
           options: Mapping[str, Any] | None) -> None:
    command = 'python ' + shlex.join(sys.argv)
    stages = stage_epochs(cfg)
    epochs = {name: len(numbers) for name, numbers in stages.items()}
    write_json(
        settings.work_dir / 'flows.json',
        dict(
            results.to_dict(),
            data=cfg.filename,
            cfg_options=dict(options or {}),
            epochs=epochs,
            gpus=settings.gpus,
            command=command,
            environment=environment()))
    # The table and what its numbers mean, in paragraphs of Markdown.
    text = [
        results.to_markdown(),
        f'`{Path(cfg.filename).name}`: the stage `classifier` '
        f'({epochs["classifier"]} epochs) on the flow of each estimator, '
        'which does not train. Mean ± standard deviation over the seeds and '
        'their range; a number alone is the same for all seeds, or of one '
        'seed.'
    ]
    if any(entrant.spec == OURS_JOINT for entrant in results.entrants):
        text.append(f'`{OURS_JOINT}` goes on with the stage `joint` '
                    f'({epochs["joint"]} epochs), in which the estimator '
                    'trains too.')
    text += [f'{entrant.name}: `{entrant.settings}`.'
             for entrant in results.entrants if entrant.settings]
    text += [f'{name}, seed {seed} failed: {reason}'
             for (name, seed), reason in results.failures.items()]
    text.append(f'```bash\n{command}\n```\n')
    AtomicLocalBackend().put_text(
        '\n\n'.join(text), settings.work_dir / 'flows.md')
