# SPDX-License-Identifier: Apache-2.0
"""Trainings and tests that differ in the flow and nothing else."""
from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import save_checkpoint, set_random_seed
from torch import Tensor

from ...engine.hooks.stage import stage_configs, stage_epochs, staged_hook
from ...fileio import AtomicLocalBackend
from ...fileio.checkpoint import ESTIMATOR_PART, read_checkpoint
from ...fileio.paths import check_input_file
from ..experiment import Experiment
from ..tools import RunSettings
from .entrants import OURS, OURS_JOINT, OURS_REFINED, Entrant

#: Config of the motion stream by the name of its data.
DATA = dict(
    quickstart='uftsn_quickstart.py',
    ucf101_subset='uftsn_r18_ucf101_subset.py')


def read_config(path: Path,
                options: Mapping[str, Any] | None = None) -> Config:
    """Read the config of a motion stream in three stages, and change it."""
    check_input_file(path, f'the config {str(path)!r}',
                     'correct --configs-dir')
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(dict(options or {}))
    if 'flow_estimator' not in (cfg.get('model') or {}):
        raise ValueError(f'{path} has no model.flow_estimator; name the '
                         'config of a motion stream')
    stage_epochs(cfg)
    # Only the test after the last epoch counts.
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    # With one file, a kill between removing it and writing the next loses
    # both.
    cfg.merge_from_dict({'default_hooks.checkpoint.max_keep_ckpts': 2})
    return cfg


def seeded_config(cfg: Config, seed: int, stage: str | None = None,
                  estimator: Mapping[str, Any] | None = None) -> Config:
    """Return a copy with a seed, maybe of one stage or another estimator."""
    cfg = copy.deepcopy(cfg)
    cfg.merge_from_dict({'randomness.seed': seed})
    cfg.load_from = None
    if stage is not None:
        cfg.train_cfg.max_epochs = len(stage_epochs(cfg)[stage])
        found, = (item for item in stage_configs(cfg) if item.name == stage)
        staged_hook(cfg).stages = [dict(found, begin=0)]
    if estimator is not None:
        cfg.model.flow_estimator = copy.deepcopy(dict(estimator))
    return cfg


@dataclass(frozen=True)
class Job:
    """Training and test of the classifier for an estimator and a seed.

    ``first`` is the training of the config's own estimator, where one is
    needed. An ``experiment`` without ``start`` goes on from there.
    """
    entrant: Entrant
    seed: int
    experiment: Experiment
    first: Experiment | None = None

    @classmethod
    def build(cls, cfg: Config, entrant: Entrant, seed: int,
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

        first, stage, start = None, 'classifier', entrant.weights_name
        if entrant.spec in (OURS, OURS_REFINED, OURS_JOINT):
            first = build('stage_1', seeded_config(cfg, seed, 'flow'),
                          'stage_1')
        if entrant.spec == OURS_JOINT:
            stage = start = None
        cfg = seeded_config(cfg, seed, stage, entrant.estimator)
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


def write_start(path: Path, model: Mapping[str, Any], seed: int,
                weights: Mapping[str, Tensor] | None) -> None:
    """Write the checkpoint that a training loads first.

    A seed alone does not give every estimator the same classifier, since the
    trainer draws the estimator first, with more or fewer random numbers.
    Without ``weights`` the estimator is left to the trainer.
    """
    state = classifier_start(model, seed)
    for name, value in (weights or {}).items():
        state[ESTIMATOR_PART + name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        dict(state_dict=state), str(path), backend_args=dict(backend='atomic'))


def classifier_start(model: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Return the first weights of a recognizer without its estimator."""
    set_random_seed(seed)
    # Zero flow draws no random numbers.
    no_flow = dict(type='ZeroFlowEstimator')
    recognizer = MODELS.build(dict(model, flow_estimator=no_flow))
    logger = MMLogger.get_current_instance()
    level = logger.level
    # Initialization logs a line for each parameter.
    logger.setLevel(logging.WARNING)
    try:
        recognizer.init_weights()
    finally:
        logger.setLevel(level)
    return recognizer.state_dict()


def trained_weights(checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights of the estimator in a recognizer's checkpoint."""
    weights = read_checkpoint(
        str(checkpoint), 'the first stage', 'remove it to train anew')
    return {name[len(ESTIMATOR_PART):]: value
            for name, value in weights.items()
            if name.startswith(ESTIMATOR_PART)}
