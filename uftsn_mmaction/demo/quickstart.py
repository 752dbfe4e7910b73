# SPDX-License-Identifier: Apache-2.0
"""The quickstart from the first video to the report, in resumable phases."""
from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets.motion_classes import APPEARANCES, MOTIONS, join_label
from ..engine import AtomicLocalBackend
from .history import read_history
from .metrics import collect_metrics
from .plan import QuickstartPlan
from .report import write_quickstart_report
from .testing import StreamResult, run_test
from .training import checkpoint_file, latest_epoch, train

# One clip of each motion is shown, in turn of this and that tint.
PICTURE_LABELS = tuple(
    join_label(motion, motion % len(APPEARANCES))
    for motion in range(len(MOTIONS)))

_FOLDERS = ('temporal', 'control', 'tests')
_FILES = ('settings.json', 'seconds.json', 'control.py', 'metrics.json',
          'report.html')


def run_quickstart(config_file: str,
                   work_dir: str | Path,
                   data_root: str | None = None,
                   restart: bool = False,
                   threads: int = 1,
                   options: Sequence[str] = ()) -> dict[str, Any]:
    """Generate data, train, train the control, test, and write the report.

    What is finished is recognised by its files and not done again: trainings
    by their last checkpoint (``temporal/`` and ``control/``), tests by their
    predictions (``tests/``). ``metrics.json`` and ``report.html`` are written
    from those at every call.

    Args:
        config_file: Config of the motion stream.
        work_dir: Folder of all that is written, but for the videos.
        data_root: Folder of the videos, in place of the config's.
        restart: Whether to remove an earlier run from ``work_dir`` first.
        threads: Number of threads of training and tests.
        options: ``key=value`` strings as for ``--cfg-options``.

    Returns:
        The content of ``metrics.json``.

    Raises:
        FileNotFoundError: There is no such config.
        TrainingError: A training failed.
        ValueError: A setting does not fit, or ``work_dir`` holds something
            else or is in use.
    """
    if threads < 1:
        raise ValueError(f'threads must be 1 or more, got {threads}; leave '
                         '--threads out for the default')
    plan = QuickstartPlan.from_file(config_file, data_root, options)
    work_dir = Path(work_dir)
    _make_folder(work_dir)
    try:
        with FileLock(work_dir / '.lock', timeout=0):
            _prepare(work_dir, plan, restart)
            return _Quickstart(plan, work_dir, threads).run()
    except Timeout:
        raise ValueError(
            f'Another quickstart is at work in {work_dir}; wait for it, or '
            'choose another --work-dir') from None


class _Quickstart:
    """The phases, and where each leaves its result."""

    def __init__(self, plan: QuickstartPlan, work_dir: Path,
                 threads: int) -> None:
        self.plan = plan
        self.work_dir = work_dir
        self.threads = threads
        self.temporal_dir = work_dir / 'temporal'
        self.control_dir = work_dir / 'control'

    def run(self) -> dict[str, Any]:
        torch.set_num_threads(self.threads)
        init_default_scope('mmaction')
        self._generate_data()
        self._train_stages()
        self._train_control()
        cfg, epochs = self.plan.cfg, self.plan.max_epochs
        control_epochs = len(self.plan.epochs_of('classifier'))
        results = dict(
            temporal=self._test('temporal', cfg,
                                checkpoint_file(self.temporal_dir, epochs)),
            control=self._test(
                'control', cfg,
                checkpoint_file(self.control_dir, control_epochs)),
            tvl1=self._test('tvl1', self.plan.tvl1_config()))
        # A further stream trains and is tested here, and gets its section in
        # the report.
        history = self._history()
        metrics = collect_metrics(self.plan, history, results,
                                  self._read_seconds(), self.threads)
        _write_json(self.work_dir / 'metrics.json', metrics)
        report = write_quickstart_report(self.work_dir / 'report.html',
                                         self.plan, history, results, metrics)
        _announce('Results')
        print(
            f'AEPE in pixels: zero flow {metrics["aepe_zero"]:.3f}, TV-L1 '
            f'{metrics["aepe_tvl1"]:.3f}, ours {metrics["aepe"]:.3f} (before '
            f'training {metrics["aepe_untrained"]:.3f})\n'
            f'Motion accuracy: ours {metrics["motion_acc_stage3"]:.3f}, '
            f'control {metrics["motion_acc_control"]:.3f}, guessing '
            f'{metrics["motion_acc_chance"]:.3f}\n'
            f'Report: {report}')
        return metrics

    def _generate_data(self) -> None:
        _announce('Videos of moving objects with known flow')
        # Later on this only looks whether all videos are there.
        begun = latest_epoch(self.temporal_dir) > 0
        with contextlib.nullcontext() if begun else self._timed('data'):
            for split in ('train', 'test'):
                dataset = DATASETS.build(
                    self.plan.cfg[f'{split}_dataloader'].dataset)
                print(f'{len(dataset)} clips to {split} with in '
                      f'{dataset.data_root}')

    def _train_stages(self) -> None:
        _announce(f'Three stages of training, {self.plan.max_epochs} epochs')
        done = latest_epoch(self.temporal_dir)
        if done and self.plan.validates(done) and done not in self._history():
            # Interrupted between a checkpoint and its validation, which the
            # trainer would leave out when it goes on.
            self._test(f'epoch_{done}', self.plan.cfg,
                       checkpoint_file(self.temporal_dir, done))
        if done < self.plan.max_epochs:
            with self._timed('training'):
                train(self.plan.config_file, self.temporal_dir,
                      self.plan.max_epochs, self.threads, self.plan.options)
        else:
            _say_finished(self.temporal_dir)

    def _train_control(self) -> None:
        _announce('The control: the same classifier on the flow of an '
                  'untrained estimator')
        cfg = self.plan.control_config()
        epochs = cfg.train_cfg.max_epochs
        if latest_epoch(self.control_dir) < epochs:
            config_file = self.work_dir / 'control.py'
            cfg.dump(config_file)
            with self._timed('control'):
                train(config_file, self.control_dir, epochs, self.threads)
        else:
            _say_finished(self.control_dir)

    def _test(self, name: str, cfg: Config,
              checkpoint: Path | None = None) -> StreamResult:
        """Test, or read what an earlier call has found."""
        _announce(f'Test: {name}')
        path = self.work_dir / 'tests' / f'{name}.npz'
        if path.exists():
            _say_finished(path)
        else:
            with self._timed(f'test_{name}'):
                run_test(cfg, path.parent, checkpoint,
                         PICTURE_LABELS).save(path)
        return StreamResult.load(path)

    def _history(self) -> dict[int, dict[str, float]]:
        """Validations of the trainer, and those made up for."""
        history = read_history(self.temporal_dir)
        for path in (self.work_dir / 'tests').glob('epoch_*.npz'):
            epoch = int(path.stem.partition('_')[2])
            history.setdefault(epoch, StreamResult.load(path).metrics)
        return dict(sorted(history.items()))

    def _read_seconds(self) -> dict[str, float]:
        path = self.work_dir / 'seconds.json'
        return json.loads(path.read_text('utf-8')) if path.exists() else {}

    @contextlib.contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        """Add the time of a block to the phase, also if it is cut short."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = self._read_seconds()
            seconds[phase] = (
                seconds.get(phase, 0) + time.perf_counter() - start)
            _write_json(self.work_dir / 'seconds.json', seconds)


def _make_folder(work_dir: Path) -> None:
    """Make the folder, unless something else is in it."""
    names = {path.name for path in work_dir.glob('*')} - {'.lock'}
    if names and 'settings.json' not in names:
        raise ValueError(
            f'work_dir {str(work_dir)!r} holds files, but no quickstart; '
            'choose a new or empty folder with --work-dir')
    work_dir.mkdir(parents=True, exist_ok=True)


def _prepare(work_dir: Path, plan: QuickstartPlan, restart: bool) -> None:
    """Make sure that what is in the folder comes from this plan."""
    path = work_dir / 'settings.json'
    if restart:
        _remove(work_dir)
    # Until a training has begun, nothing depends on the settings.
    if any((work_dir / name).exists() for name in _FOLDERS):
        changes = _differences(
            json.loads(path.read_text('utf-8')), json.loads(plan.to_json()))
        if changes:
            raise ValueError(
                f'work_dir {str(work_dir)!r} holds a quickstart of other '
                f'settings ({"; ".join(changes[:3])}); choose another '
                '--work-dir, or start anew with --restart')
    else:
        AtomicLocalBackend().put_text(plan.to_json(), path)


def _remove(work_dir: Path) -> None:
    """Remove what a quickstart writes, and nothing else."""
    for name in _FOLDERS:
        shutil.rmtree(work_dir / name, ignore_errors=True)
    for name in _FILES:
        (work_dir / name).unlink(missing_ok=True)


def _differences(found: Any, wanted: Any, name: str = '') -> list[str]:
    """Settings that are not the same, one sentence each."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
    elif (isinstance(found, list) and isinstance(wanted, list)
          and len(found) == len(wanted)):
        keys = range(len(wanted))
        found, wanted = dict(enumerate(found)), dict(enumerate(wanted))
    else:
        return [] if found == wanted else [
            f'{name} was {found!r}, is {wanted!r}'
        ]
    return [
        change for key in keys for change in _differences(
            found.get(key), wanted.get(key), f'{name}.{key}'.lstrip('.'))
    ]


def _write_json(path: Path, content: dict) -> None:
    AtomicLocalBackend().put_text(json.dumps(content, indent=2) + '\n', path)


def _announce(phase: str) -> None:
    print(f'\n=== {phase}', flush=True)


def _say_finished(path: Path) -> None:
    print(f'{path}: finished already', flush=True)
