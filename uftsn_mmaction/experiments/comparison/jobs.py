# SPDX-License-Identifier: Apache-2.0
"""Trainings of a comparison, each with its test, done once."""
from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from ...fileio import AtomicLocalBackend
from ...fileio.atomic import write_json
from ..checkpoints import (
    checkpoint_file,
    latest_epoch,
    require_checkpoint,
)
from ..progress import announce
from ..tools import IncompleteTestError, RunSettings
from .entrants import OURS, OURS_JOINT, Entrant
from .plan import ComparisonPlan
from .start import trained_weights, write_start


@dataclass(frozen=True)
class Job:
    """A config to train, and what it needs first.

    Attributes:
        name: Folder of the training below ``runs``.
        cfg: Its config.
        seed: Its random seed.
        weights: Weights of the estimator in ``cfg.load_from``.
        first: Training of stage 1, whose estimator ``cfg.load_from`` takes;
            without ``load_from`` the training itself goes on.
    """
    name: str
    cfg: Config
    seed: int
    weights: Mapping[str, Tensor] | None = None
    first: Job | None = None


def make_job(plan: ComparisonPlan, entrant: Entrant, seed: int,
             work_dir: Path) -> Job:
    """What is trained for an estimator and a seed."""

    def start_of(name: str) -> Path:
        return work_dir / 'starts' / f'{name}_seed_{seed}.pth'

    first = None
    if entrant.spec in (OURS, OURS_JOINT):
        first = Job(f'stage_1/seed_{seed}',
                    plan.flow_config(seed, start_of('stage_1')), seed)
    cfg = plan.staged_config(seed) if entrant.spec == OURS_JOINT else (
        plan.classifier_config(entrant.estimator, seed,
                               start_of(entrant.weights_name)))
    return Job(f'{entrant.folder}/seed_{seed}', cfg, seed, entrant.weights,
               first)


class JobRunner:
    """Does jobs with the tools of the repository, or finds them done.

    Args:
        settings: How configs are run; ``settings.work_dir`` gets the folders
            ``runs``, ``configs`` and ``starts``.
    """

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings
        self.work_dir = settings.work_dir

    def check(self, job: Job) -> None:
        """Make sure that what is there comes from this job.

        Raises:
            ValueError: It comes from one of other settings.
        """
        if job.first is not None:
            self.check(job.first)
        folder = self._folder(job)
        path = folder / 'settings.json'
        # Before the first checkpoint nothing depends on the settings. Who is
        # short of disk may remove the last one after the test.
        if not latest_epoch(folder) and not (folder / 'result.json').exists():
            return
        found = json.loads(path.read_text('utf-8')) if path.exists() else {}
        wanted = self._settings_of(job)
        changed = sorted(key for key in {*found, *wanted}
                         if found.get(key) != wanted.get(key))
        if changed:
            raise ValueError(
                f'{str(folder)!r} holds a run of other settings '
                f'({", ".join(changed)}; {path.name} there has the old ones); '
                'give the same settings, or choose another --work-dir')

    def run(self, job: Job) -> dict[str, float]:
        """Train and test, or go on, or find it finished.

        Returns:
            All metrics of the config's evaluator.

        Raises:
            IncompleteTestError: The test failed.
            TrainingError: A training failed.
            ValueError: The weights of stage 1 do not fit.
        """
        result = self._folder(job) / 'result.json'
        if result.exists():
            announce(f'Training and test of {job.name}: finished already')
            return json.loads(result.read_text('utf-8'))
        metrics = self._test(job, self._train(job))
        write_json(result, metrics)
        return metrics

    def _train(self, job: Job) -> Path:
        folder, epochs = self._folder(job), job.cfg.train_cfg.max_epochs
        checkpoint = checkpoint_file(folder, epochs)
        if checkpoint.exists():
            announce(f'Training of {job.name}: finished already')
            return checkpoint
        if not latest_epoch(folder):
            self._begin(job)
        announce(f'Training of {job.name}, {epochs} epochs')
        # A fresh start must not take it: it would drop load_from.
        resume = ['--resume'] if latest_epoch(folder) else []
        if resume:
            # A kill may have come between a checkpoint and this file, and
            # the folder may have moved. Without it the trainer would begin
            # anew, and not from the start of this job.
            latest = checkpoint_file(folder, latest_epoch(folder)).absolute()
            AtomicLocalBackend().put_text(
                str(latest), folder / 'last_checkpoint')
        status = self.settings.run('train', self._config_file(job),
                                   '--work-dir', folder, *resume)
        return require_checkpoint(folder, epochs, status)

    def _begin(self, job: Job) -> None:
        """Put down what the training starts from."""
        folder = self._folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / 'settings.json', self._settings_of(job))
        weights = job.weights
        if job.first is not None:
            begin = self._train(job.first)
            if job.cfg.load_from is None:
                # As the trainer would have left it at the end of stage 1. The
                # checkpoint comes last and at once, as it says that all is
                # there.
                copied = folder.absolute() / begin.name
                (folder / 'last_checkpoint').write_text(str(copied))
                partial = folder / 'stage_1.tmp'
                shutil.copyfile(begin, partial)
                partial.replace(copied)
                return
            weights = trained_weights(job.first.cfg.model.flow_estimator,
                                      begin)
        write_start(Path(job.cfg.load_from), job.cfg.model, job.seed, weights)

    def _test(self, job: Job, checkpoint: Path) -> dict[str, float]:
        folder = self._folder(job) / 'test'
        # The metrics of an earlier test must not pass for those of this one.
        shutil.rmtree(folder, ignore_errors=True)
        announce(f'Test of {job.name}')
        status = self.settings.run('test', self._config_file(job), checkpoint,
                                   '--work-dir', folder)
        # MMEngine's log of the metrics, beside the log in words.
        found = sorted(folder.glob('*/*.json'))
        if status or not found:
            raise IncompleteTestError(
                f'the test in {str(folder)!r} ended with exit status {status} '
                f'and {"with" if found else "without"} metrics; its last '
                'lines tell why')
        return json.loads(found[-1].read_text('utf-8'))

    def _folder(self, job: Job) -> Path:
        return self.work_dir / 'runs' / job.name

    def _config_file(self, job: Job) -> Path:
        path = self.work_dir / 'configs' / (job.name.replace('/', '_') + '.py')
        path.parent.mkdir(parents=True, exist_ok=True)
        job.cfg.dump(path)
        return path

    def _settings_of(self, job: Job) -> dict[str, Any]:
        """The config as JSON has it, wherever the folder lies."""
        settings = job.cfg.to_dict()
        start = settings['load_from']
        settings['load_from'] = start and Path(start).name
        # The batch of a step is that of all processes.
        settings['processes'] = max(self.settings.gpus, 1)
        return json.loads(json.dumps(settings))
