# SPDX-License-Identifier: Apache-2.0
"""The training and the test of an estimator with a seed."""
from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mmengine.config import Config

from ...fileio import AtomicLocalBackend
from ..experiment import Experiment
from ..tools import RunSettings
from .entrants import OURS, OURS_JOINT, Entrant
from .plan import ComparisonPlan
from .start import trained_weights, write_start


@dataclass(frozen=True)
class Job:
    """Training and test of the classifier for an estimator and a seed.

    ``first`` is the training of the config's own estimator, where it is
    needed. Without ``start`` the ``experiment`` goes on from there.
    """
    entrant: Entrant
    seed: int
    experiment: Experiment
    first: Experiment | None = None

    @classmethod
    def build(cls, plan: ComparisonPlan, entrant: Entrant, seed: int,
              settings: RunSettings) -> Job:
        """Plan a job in ``runs``, ``configs`` and ``starts`` of a folder."""
        # Absolute: the path of a checkpoint must hold wherever it is read.
        folder = settings.work_dir.absolute()

        def build(name: str, cfg: Config, start: str | None) -> Experiment:
            # The batch of a step is that of all processes.
            cfg.processes = max(settings.gpus, 1)
            name = f'{name}/seed_{seed}'
            return Experiment(
                name, cfg, folder / 'runs' / name,
                folder / 'configs' / f'{name.replace("/", "_")}.py', settings,
                start and folder / 'starts' / f'{start}_seed_{seed}.pth')

        first = None
        if entrant.spec in (OURS, OURS_JOINT):
            cfg = plan.stage_config('flow', seed)
            first = build('stage_1', cfg, 'stage_1')
        if entrant.spec == OURS_JOINT:
            cfg, start = plan.staged_config(seed), None
        else:
            cfg = plan.stage_config('classifier', seed, entrant.estimator)
            start = entrant.weights_name
        return cls(entrant, seed, build(entrant.folder, cfg, start), first)

    def check(self) -> None:
        """Refuse folders that hold a run of other settings."""
        for experiment in filter(None, (self.first, self.experiment)):
            experiment.check()

    def run(self) -> dict[str, float]:
        """Train and test, go on, or read the metrics of an earlier call."""
        return self.experiment.run(self._begin)

    def _begin(self) -> None:
        weights, start = self.entrant.weights, self.experiment.start
        if self.first is not None:
            checkpoint = self.first.train(
                partial(write_start, self.first.start, self.first.cfg.model,
                        self.seed, None))
            if start is None:
                # As the trainer would have left it at the end of stage 1.
                AtomicLocalBackend().put(
                    checkpoint.read_bytes(),
                    self.experiment.folder / checkpoint.name)
                return
            weights = trained_weights(checkpoint)
        write_start(start, self.experiment.cfg.model, self.seed, weights)
