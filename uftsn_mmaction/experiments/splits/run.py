# SPDX-License-Identifier: Apache-2.0
"""Both streams on the official splits: trained, fused and tested."""
from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...fileio import AtomicLocalBackend
from ...fileio.atomic import write_json
from ...scores.score_file import read_score_file
from ...scores.score_fusion import score_accuracy
from ..checkpoints import (
    TrainingError,
    checkpoint_file,
    latest_epoch,
    require_checkpoint,
)
from ..progress import announce
from ..settings import differences
from ..tools import IncompleteTestError, RunSettings
from .experiment import Experiment
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

    All configs are read first. A training whose last checkpoint is there is
    not done again, an interrupted one goes on; tests are done anew. After a
    failure the next split follows.

    Args:
        data_set: Name of the data set in the names of the configs.
        splits: Numbers of the splits.
        streams: ``spatial``, ``temporal`` or both, which are then fused.
        configs_dir: Folder of the configs, see ``SplitPlan.from_files``.
        settings: How they are run.
        options: Values by dotted keys, see ``options_of``.
        replaced: Configs that take the place of those in the folder, by
            stream.

    Returns:
        The accuracies, which ``WORK_DIR/{data_set}_splits.json`` has too;
        with a replaced config its name stands before ``_splits``.

    Raises:
        FileNotFoundError: A config is missing.
        ValueError: A config or an option does not fit, or there is a training
            of other settings.
    """
    splits = list(dict.fromkeys(splits))
    plans = [
        SplitPlan.from_files(data_set, split, streams, configs_dir, options,
                             replaced) for split in splits
    ]
    table = SplitTable(data_set, splits, plans[0].rows)
    # Each config as it is run, with its options, beside the folders of runs.
    configs = settings.work_dir / f'{data_set}_splits'
    # Of all splits first: a refusal must not cost the results of earlier ones.
    for plan in plans:
        for experiment in plan.streams.values():
            _check_settings(experiment, settings, configs)
    for plan in plans:
        try:
            _run_split(plan, settings, configs, table)
        except (TrainingError, IncompleteTestError, FileNotFoundError,
                ValueError) as error:
            table.fail(plan.split, str(error))
            print(f'error: split {plan.split}: {error}',
                  file=sys.stderr, flush=True)
    replaced = replaced or {}
    name = '_'.join([data_set, *(path.stem for path in replaced.values())])
    write_json(
        settings.work_dir / f'{name}_splits.json',
        dict(
            table.to_dict(),
            configs={part: str(path) for part, path in replaced.items()},
            cfg_options=dict(options or {})))
    return table


def _run_split(plan: SplitPlan, settings: RunSettings, configs: Path,
               table: SplitTable) -> None:
    checkpoints = {
        stream: _train(experiment, settings, configs)
        for stream, experiment in plan.streams.items()
    }
    if plan.fusion is None:
        (stream, experiment), = plan.streams.items()
        dump = _test(experiment.name, experiment.cfg, settings, configs,
                     checkpoints[stream])
        names = {stream: str(dump)}
    else:
        dump = _test(plan.fusion.name, plan.fusion_config(checkpoints),
                     settings, configs)
        names = {row: f'{dump}:{row}' for row in plan.rows}
    files = {row: read_score_file(name) for row, name in names.items()}
    table.add(
        plan.split, {
            row: score_accuracy(file.scores, file.labels)['top1']
            for row, file in files.items()
        }, len(next(iter(files.values())).labels))


def _check_settings(experiment: Experiment, settings: RunSettings,
                    configs: Path) -> None:
    """Refuse to take over a training of other settings."""
    folder = settings.work_dir / experiment.name
    path = configs / f'{experiment.name}.py'
    if not path.exists() or not latest_epoch(folder):
        return

    def training(cfg: Config) -> dict[str, Any]:
        return {
            key: value
            for key, value in cfg.to_dict().items()
            if not key.startswith('test_')
        }

    changes = differences(
        training(Config.fromfile(path)), training(experiment.cfg))
    if changes:
        raise ValueError(
            f'{str(folder)!r} holds a training of other settings '
            f'({"; ".join(changes[:3])}); choose another --work-dir, or '
            'remove that folder to train anew')


def _train(experiment: Experiment, settings: RunSettings,
           configs: Path) -> Path:
    """Train, or go on, or find it finished; the last checkpoint."""
    folder = settings.work_dir / experiment.name
    checkpoint = checkpoint_file(folder, experiment.max_epochs)
    if checkpoint.exists():
        announce(f'Training of {experiment.name}: finished already')
        return checkpoint
    if settings.test_only:
        raise TrainingError(
            f'{str(checkpoint)!r} does not exist, and --test-only trains '
            'nothing; leave it out, or correct --work-dir')
    announce(f'Training of {experiment.name}, {experiment.max_epochs} epochs')
    status = settings.run('train',
                          _write(experiment.name, experiment.cfg, configs),
                          '--work-dir', folder, '--resume')
    return require_checkpoint(folder, experiment.max_epochs, status)


def _test(name: str, cfg: Config, settings: RunSettings, configs: Path,
          *checkpoint: Path) -> Path:
    """Test a config; the file of its predictions."""
    folder = settings.work_dir / name
    dump = folder / 'predictions.pkl'
    # Those of an earlier test must not pass for those of this one.
    dump.unlink(missing_ok=True)
    announce(f'Test of {name}')
    status = settings.run('test', _write(name, cfg, configs), *checkpoint,
                          '--work-dir', folder, '--dump', dump)
    if status or not dump.exists():
        raise IncompleteTestError(
            f'the test in {str(folder)!r} ended with exit status {status} and '
            f'{"with" if dump.exists() else "without"} {dump.name}; its last '
            'lines tell why')
    return dump


def _write(name: str, cfg: Config, configs: Path) -> Path:
    path = configs / f'{name}.py'
    # Not in part: it tells the next call the settings of the training.
    AtomicLocalBackend().put_text(cfg.pretty_text, path)
    return path
