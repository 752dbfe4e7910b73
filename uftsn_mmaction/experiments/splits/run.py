# SPDX-License-Identifier: Apache-2.0
"""Both streams on the official splits: trained, fused, tested, averaged."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...fileio import write_json
from ...scores.score_file import read_score_file
from ...scores.score_fusion import score_accuracy
from ..run import note_failure
from ..table import Column, Grid, Spread, Table
from ..tools import RunSettings
from .plan import SplitPlan

#: Title of a row by the name of its scores in a score file.
ROWS = dict(
    spatial='spatial',
    temporal='temporal',
    fusion='fusion',
    fusion_prob='fusion of probabilities',
    fusion_score='fusion of class scores')


class SplitTable(Grid):
    """Top-1 accuracy, from 0 to 1, of some :data:`ROWS` on each split.

    ``videos`` has the number of test videos by split.
    """

    def __init__(self, data_set: str, splits: Sequence[int],
                 rows: Sequence[str]) -> None:
        super().__init__()
        self.data_set = data_set
        self.rows = tuple(rows)
        self.videos: dict[int, int | None] = dict.fromkeys(splits)

    def add(self, split: int, top1: Mapping[str, float], videos: int) -> None:
        """Fill the column of a split with the accuracies of all rows."""
        if set(top1) != set(self.rows):
            raise ValueError(f'split {split} has accuracies of '
                             f'{sorted(top1)}, expected {sorted(self.rows)}')
        self.metrics[split] = top1
        self.videos[split] = videos

    def row(self, name: str) -> dict[str, float | None]:
        """Return the accuracies of a row by split, and their ``mean``."""
        values = self.values(self.videos, name)
        spread = Spread.of(values)
        by_split = dict(zip(map(str, self.videos), values))
        return dict(by_split, mean=spread and spread.mean)

    def to_text(self) -> str:
        """Return the table for a terminal, in percent."""
        heads = {str(split): f'split {split}' for split in self.videos}
        columns = (Column(key, head, '.2f', scale=100)
                   for key, head in dict(heads, mean='mean').items())
        table = Table([
            Column('name', f'{self.data_set}, top-1 in percent'), *columns])
        for name in self.rows:
            table.add(name=ROWS[name], **self.row(name))
        return table.to_text()


def run_splits(data_set: str, splits: Sequence[int], streams: Sequence[str],
               configs_dir: Path, settings: RunSettings,
               options: Mapping[str, Any] | None = None,
               replaced: Mapping[str, Path] | None = None) -> SplitTable:
    """Train and test on splits, see :meth:`.plan.SplitPlan.from_files`.

    All configs are read and checked first. A finished training is not done
    again, and an interrupted one goes on; tests are done anew. After a
    failure the next split follows. ``WORK_DIR/{data_set}_splits.json`` gets
    the accuracies; names of replaced configs come before ``_splits``.
    """
    splits, replaced = list(dict.fromkeys(splits)), replaced or {}
    plans = [SplitPlan.from_files(data_set, split, streams, configs_dir,
                                  settings, options, replaced)
             for split in splits]
    # Of all splits first: a refusal must not cost the results of earlier ones.
    for plan in plans:
        for experiment in plan.streams.values():
            # A stream may have been trained by MMAction2's own tool.
            experiment.check(from_elsewhere=True)
    table = SplitTable(data_set, splits, plans[0].rows)
    for plan in plans:
        with note_failure(f'split {plan.split}',
                          partial(table.fail, plan.split)):
            _run_split(plan, table)
    name = '_'.join([data_set, *(path.stem for path in replaced.values())])
    write_json(
        settings.work_dir / f'{name}_splits.json',
        dict(
            data_set=data_set,
            top1={row: table.row(row) for row in table.rows},
            videos=table.videos,
            failures=table.failures,
            configs={part: str(path) for part, path in replaced.items()},
            cfg_options=dict(options or {})))
    return table


def _run_split(plan: SplitPlan, table: SplitTable) -> None:
    for experiment in plan.streams.values():
        experiment.train()
    if plan.fusion is None:
        (stream, experiment), = plan.streams.items()
        experiment.test(experiment.checkpoint, dump=True)
        names = {stream: str(experiment.predictions)}
    else:
        plan.fusion.test(dump=True)
        names = {row: f'{plan.fusion.predictions}:{row}' for row in plan.rows}
    top1 = {}
    for row, name in names.items():
        file = read_score_file(name)
        top1[row] = score_accuracy(file.scores, file.labels)['top1']
    table.add(plan.split, top1, len(file.labels))
