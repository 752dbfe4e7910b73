# SPDX-License-Identifier: Apache-2.0
"""Both streams on the official splits: trained, fused and tested."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...fileio import write_json
from ...scores.score_file import read_score_file
from ...scores.score_fusion import score_accuracy
from ..run import note_failure
from ..tools import RunSettings
from .plan import SplitPlan
from .table import SplitTable


def run_splits(data_set: str,
               splits: Sequence[int],
               streams: Sequence[str],
               configs_dir: Path,
               settings: RunSettings,
               options: Mapping[str, Any] | None = None,
               replaced: Mapping[str, Path] | None = None) -> SplitTable:
    """Train and test on splits, one after the other.

    All configs are read and checked first. A finished training is not done
    again, and an interrupted one goes on; tests are done anew. After a
    failure the next split follows.

    Args:
        splits: Numbers of the splits.

    See :meth:`.plan.SplitPlan.from_files` for the others, and for the errors;
    a ValueError also means that a folder has a training of other settings.

    Returns:
        The accuracies, also written to ``WORK_DIR/{data_set}_splits.json``,
        where the names of replaced configs come before ``_splits``.
    """
    splits, replaced = list(dict.fromkeys(splits)), replaced or {}
    plans = [
        SplitPlan.from_files(data_set, split, streams, configs_dir, settings,
                             options, replaced) for split in splits
    ]
    # Of all splits first: a refusal must not cost the results of earlier ones.
    for plan in plans:
        for experiment in plan.streams.values():
            experiment.check()
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
