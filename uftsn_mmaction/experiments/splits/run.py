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
        data_set: Name of the data set in the names of the configs.
        splits: Numbers of the splits.
        streams: ``spatial``, ``temporal`` or both, which are then fused.
        configs_dir: Folder of the configs.
        settings: How they are run.
        options: Values by dotted keys, see :func:`.plan.options_of`.
        replaced: Configs that take the place of those in the folder, by
            stream.

    Returns:
        The accuracies, also written to ``WORK_DIR/{data_set}_splits.json``,
        where the names of replaced configs come before ``_splits``.

    Raises:
        FileNotFoundError: If a config is missing.
        ValueError: If a config or an option does not fit, or a folder holds a
            training of other settings.
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
            table.to_dict(),
            configs={part: str(path)
                     for part, path in replaced.items()},
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
    files = {row: read_score_file(name) for row, name in names.items()}
    table.add(
        plan.split, {
            row: score_accuracy(file.scores, file.labels)['top1']
            for row, file in files.items()
        }, len(next(iter(files.values())).labels))
