# SPDX-License-Identifier: Apache-2.0
"""The quickstart from the first video to the report, in resumable phases."""
from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ...datasets.motion.classes import APPEARANCES, MOTIONS, join_label
from ...fileio import write_json
from ...fileio.sound_checkpoint import list_checkpoints
from ..experiment import (
    STREAMS,
    Experiment,
    checkpoint_file,
    fusion_config,
    latest_epoch,
)
from ..history import read_history
from ..run import announce, lock_folder, refuse_changes
from ..tools import RunSettings
from .plan import QuickstartPlan
from .report import results_table, write_report
from .results import TestResult, collect_metrics, run_test

# One clip of each motion is shown, the tints in turn.
PICTURE_LABELS = tuple(
    join_label(motion, motion % len(APPEARANCES))
    for motion in range(len(MOTIONS)))
_TRAININGS = ('temporal', 'control', 'spatial')
# Everything that a run writes. Other files in the folder stay.
_FOLDERS = (*_TRAININGS, 'tests')
_FILES = (*(f'{name}.py' for name in _TRAININGS), 'settings.json',
          'seconds.json', 'metrics.json', 'report.html')


def run_quickstart(config_file: str, fusion_file: str, settings: RunSettings,
                   options: Mapping[str, Any] | None = None,
                   data_root: str | None = None,
                   restart: bool = False) -> dict[str, Any]:
    """Generate data, train both streams, fuse them, and write the report.

    A finished phase is recognised by its files and not repeated: a training
    by its last checkpoint (``temporal/``, ``control/``, ``spatial/``),
    a test by its result (``tests/``). ``restart`` removes them first.
    ``metrics.json``, whose content is returned, and ``report.html`` are
    written anew by every call. The arguments are those of
    :meth:`.plan.QuickstartPlan.from_files`.
    """
    plan = QuickstartPlan.from_files(config_file, fusion_file, options,
                                     data_root)
    work_dir = settings.work_dir
    names = {path.name for path in work_dir.glob('*')} - {'.lock'}
    if names and 'settings.json' not in names:
        raise ValueError(
            f'work_dir {str(work_dir)!r} holds files, but no quickstart; '
            'choose a new or empty folder with --work-dir')
    with lock_folder(work_dir):
        _prepare_folder(work_dir, plan.settings(), restart)
        return _Quickstart(plan, settings).run()


def _prepare_folder(work_dir: Path, wanted: dict[str, Any],
                    restart: bool) -> None:
    """Make sure that everything in the folder has the settings wanted."""
    if restart:
        for name in _FOLDERS:
            shutil.rmtree(work_dir / name, ignore_errors=True)
        for name in _FILES:
            (work_dir / name).unlink(missing_ok=True)
    path = work_dir / 'settings.json'
    # Until a training has begun, nothing depends on the settings.
    if any((work_dir / name).exists() for name in _FOLDERS):
        refuse_changes(work_dir, json.loads(path.read_text('utf-8')), wanted,
                       'start anew with --restart')
    else:
        write_json(path, wanted)


class _Quickstart:
    """The phases, and where each leaves its result."""

    def __init__(self, plan: QuickstartPlan, settings: RunSettings) -> None:
        self.plan = plan
        self.settings = settings
        self.work_dir = settings.work_dir
        configs = (plan.motion, plan.control_config(), plan.spatial)
        self.trainings = {
            name: Experiment(name, cfg, self.work_dir / name,
                             self.work_dir / f'{name}.py', settings)
            for name, cfg in zip(_TRAININGS, configs)
        }

    def run(self) -> dict[str, Any]:
        torch.set_num_threads(self.settings.threads or 1)
        init_default_scope('mmaction')
        self._generate_videos()
        self._make_up_for_a_validation()
        for name, experiment in self.trainings.items():
            finished = experiment.checkpoint.exists()
            with self._timed('training' if name == 'temporal' else name,
                             finished):
                experiment.train()
        plan = self.plan
        results = {
            name: self._test(name, cfg, self.trainings[name].checkpoint)
            for name, cfg in (('temporal', plan.motion),
                              ('control', plan.control_config()))
        }
        results['tvl1'] = self._test('tvl1', plan.tvl1_config())
        if plan.pretrained:
            results['start'] = self._test('start', plan.start_config())
        fusion = fusion_config(
            plan.fusion, {name: self.trainings[name] for name in STREAMS})
        results['fusion'] = self._test('fusion', fusion)
        history = self._history()
        metrics = collect_metrics(plan, history, results,
                                  self._read_seconds(), self.settings.threads)
        write_json(self.work_dir / 'metrics.json', metrics)
        report = self.work_dir / 'report.html'
        write_report(report, plan, history, results, metrics)
        announce('Results')
        print(f'{results_table(metrics).to_text()}\n\nReport: {report}')
        return metrics

    def _generate_videos(self) -> None:
        announce('Videos of moving objects with known flow')
        # After a restart this only finds all videos in place.
        begun = bool(
            list_checkpoints(self.trainings['temporal'].folder))
        with self._timed('data', begun):
            for split in ('train', 'test'):
                dataset = DATASETS.build(
                    self.plan.motion[f'{split}_dataloader'].dataset)
                print(f'{split}: {len(dataset)} clips in {dataset.data_root}')

    def _make_up_for_a_validation(self) -> None:
        """Validate the last checkpoint if a kill came before that.

        The trainer goes on with the next epoch, and removes old checkpoints.
        """
        folder = self.trainings['temporal'].folder
        done = latest_epoch(folder)
        if (done and self.plan.validates(done)
                and done not in self._history()):
            self._test(f'epoch_{done}', self.plan.motion,
                       checkpoint_file(folder, done))

    def _test(self, name: str, cfg: Config,
              checkpoint: Path | None = None) -> TestResult:
        """Test, or read the result of an earlier call."""
        path = self.work_dir / 'tests' / f'{name}.npz'
        if path.exists():
            announce(f'Test of {name}: finished already')
        else:
            announce(f'Test of {name}')
            # The fusion does not return its flow.
            labels = () if name == 'fusion' else PICTURE_LABELS
            with self._timed(f'test_{name}'):
                run_test(cfg, path.parent, checkpoint, labels).save(path)
        return TestResult.load(path)

    def _history(self) -> dict[int, Mapping[str, float]]:
        """Return the validations of the trainer, and those made up for."""
        history = read_history(self.trainings['temporal'].folder).validations
        for path in (self.work_dir / 'tests').glob('epoch_*.npz'):
            epoch = int(path.stem.partition('_')[2])
            history.setdefault(epoch, TestResult.load(path).metrics)
        return dict(sorted(history.items()))

    def _read_seconds(self) -> dict[str, float]:
        path = self.work_dir / 'seconds.json'
        return json.loads(path.read_text('utf-8')) if path.exists() else {}

    @contextlib.contextmanager
    def _timed(self, phase: str, finished: bool = False) -> Iterator[None]:
        """Add the time of a block to its phase, even if it is cut short."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if not finished:
                seconds = self._read_seconds()
                seconds[phase] = (
                    seconds.get(phase, 0) + time.perf_counter() - start)
                write_json(self.work_dir / 'seconds.json', seconds)
