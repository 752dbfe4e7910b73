# SPDX-License-Identifier: Apache-2.0
"""The quickstart from the first video to the report, in resumable phases."""
from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ...datasets.motion.classes import APPEARANCES, MOTIONS, join_label
from ...fileio.atomic import write_json
from ..checkpoints import checkpoint_file, latest_epoch
from ..progress import announce
from .fusion_result import FusionResult, run_fusion_test
from .history import read_history
from .metrics import collect_metrics
from .plan import QuickstartPlan
from .report import write_quickstart_report
from .testing import StreamResult, run_test
from .training import train
from .two_streams import TwoStreamPlan
from .work_dir import make_folder, prepare_folder

# One clip of each motion is shown, in turn of this and that tint.
PICTURE_LABELS = tuple(
    join_label(motion, motion % len(APPEARANCES))
    for motion in range(len(MOTIONS)))


def run_quickstart(config_file: str,
                   fusion_file: str,
                   work_dir: str | Path,
                   data_root: str | None = None,
                   restart: bool = False,
                   threads: int = 1,
                   options: Sequence[str] = ()) -> dict[str, Any]:
    """Generate data, train both streams, fuse, and write the report.

    What is finished is recognised by its files and not done again: trainings
    by their last checkpoint (``temporal/``, ``control/``, ``spatial/``),
    tests by their predictions (``tests/``). ``metrics.json`` and
    ``report.html`` are written from those at every call.

    Args:
        config_file: Config of the motion stream.
        fusion_file: Config of its fusion with a spatial stream.
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
    streams = TwoStreamPlan.from_file(plan, fusion_file)
    work_dir = Path(work_dir)
    make_folder(work_dir)
    try:
        with FileLock(work_dir / '.lock', timeout=0):
            prepare_folder(work_dir, streams.to_json(), restart)
            return _Quickstart(streams, work_dir, threads).run()
    except Timeout:
        raise ValueError(
            f'Another quickstart is at work in {work_dir}; wait for it, or '
            'choose another --work-dir') from None


class _Quickstart:
    """The phases, and where each leaves its result."""

    def __init__(self, streams: TwoStreamPlan, work_dir: Path,
                 threads: int) -> None:
        self.streams = streams
        self.plan = streams.motion
        self.work_dir = work_dir
        self.threads = threads
        self.temporal_dir = work_dir / 'temporal'
        self.control_dir = work_dir / 'control'
        self.spatial_dir = work_dir / 'spatial'

    def run(self) -> dict[str, Any]:
        torch.set_num_threads(self.threads)
        init_default_scope('mmaction')
        self._generate_data()
        self._train_stages()
        control = self._train_beside(
            'The control: the same classifier on the flow of an untrained '
            'estimator', self.control_dir, self.plan.control_config())
        spatial = self._train_beside('The spatial stream: single frames',
                                     self.spatial_dir, self.streams.spatial)
        cfg = self.plan.cfg
        temporal = checkpoint_file(self.temporal_dir, self.plan.max_epochs)
        results = dict(
            temporal=self._test('temporal', cfg, temporal),
            control=self._test('control', cfg, control),
            tvl1=self._test('tvl1', self.plan.tvl1_config()))
        fusion = self._test_fusion(
            self.streams.fusion_config(spatial, temporal))
        history = self._history()
        metrics = collect_metrics(self.plan, history, results, fusion,
                                  self._read_seconds(), self.threads)
        write_json(self.work_dir / 'metrics.json', metrics)
        report = write_quickstart_report(self.work_dir / 'report.html',
                                         self.plan, history, results, fusion,
                                         metrics)
        announce('Results')
        print(
            f'AEPE in pixels: zero flow {metrics["aepe_zero"]:.3f}, TV-L1 '
            f'{metrics["aepe_tvl1"]:.3f}, ours {metrics["aepe"]:.3f} (before '
            f'training {metrics["aepe_untrained"]:.3f})\n'
            f'Motion accuracy: ours {metrics["motion_acc_stage3"]:.3f}, '
            f'control {metrics["motion_acc_control"]:.3f}, guessing '
            f'{metrics["motion_acc_chance"]:.3f}\n'
            f'All classes: spatial {metrics["top1_spatial"]:.3f}, temporal '
            f'{metrics["top1_temporal"]:.3f}, fusion '
            f'{metrics["top1_fusion"]:.3f}\n'
            f'Report: {report}')
        return metrics

    def _generate_data(self) -> None:
        announce('Videos of moving objects with known flow')
        # Later on this only looks whether all videos are there.
        begun = latest_epoch(self.temporal_dir) > 0
        with contextlib.nullcontext() if begun else self._timed('data'):
            for split in ('train', 'test'):
                dataset = DATASETS.build(
                    self.plan.cfg[f'{split}_dataloader'].dataset)
                print(f'{len(dataset)} clips to {split} with in '
                      f'{dataset.data_root}')

    def _train_stages(self) -> None:
        announce(f'Three stages of training, {self.plan.max_epochs} epochs')
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

    def _train_beside(self, title: str, folder: Path, cfg: Config) -> Path:
        """Train what stands beside the motion stream; its checkpoint."""
        announce(title)
        epochs = cfg.train_cfg.max_epochs
        if latest_epoch(folder) < epochs:
            config_file = self.work_dir / f'{folder.name}.py'
            cfg.dump(config_file)
            with self._timed(folder.name):
                train(config_file, folder, epochs, self.threads)
        else:
            _say_finished(folder)
        return checkpoint_file(folder, epochs)

    def _test(self, name: str, cfg: Config,
              checkpoint: Path | None = None) -> StreamResult:
        """Test, or read what an earlier call has found."""
        announce(f'Test: {name}')
        path = self.work_dir / 'tests' / f'{name}.npz'
        if path.exists():
            _say_finished(path)
        else:
            with self._timed(f'test_{name}'):
                run_test(cfg, path.parent, checkpoint,
                         PICTURE_LABELS).save(path)
        return StreamResult.load(path)

    def _test_fusion(self, cfg: Config) -> FusionResult:
        """Test both streams and their fusion in one pass."""
        announce('Test: fusion')
        path = self.work_dir / 'tests' / 'fusion.npz'
        if path.exists():
            _say_finished(path)
        else:
            with self._timed('test_fusion'):
                run_fusion_test(cfg, path.parent).save(path)
        return FusionResult.load(path)

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
            write_json(self.work_dir / 'seconds.json', seconds)


def _say_finished(path: Path) -> None:
    print(f'{path}: finished already', flush=True)
