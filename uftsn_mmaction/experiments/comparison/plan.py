# SPDX-License-Identifier: Apache-2.0
"""The configs of a comparison: they differ in the flow and nothing else."""
from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...engine.hooks.stage import stage_configs, staged_hook

#: Config of the motion stream by the name of its data.
DATA = dict(
    quickstart='uftsn_quickstart.py',
    ucf101_subset='uftsn_r18_ucf101_subset.py')
_STAGES = ('flow', 'classifier', 'joint')
# With one file, a kill between removing it and writing the next loses both.
_KEPT_CHECKPOINTS = 2


@dataclass(frozen=True)
class ComparisonPlan:
    """A config of three stages, taken apart.

    Attributes:
        cfg: The config with the options of a user, without validations: the
            test after the last epoch is what counts.
    """
    cfg: Config

    @classmethod
    def from_file(cls,
                  path: Path,
                  options: Mapping[str, Any] | None = None) -> ComparisonPlan:
        """Read a config and change it.

        Args:
            path: Config of a motion stream with its three stages.
            options: Values by dotted keys, as of ``DictAction``.

        Raises:
            FileNotFoundError: There is no such config.
            ValueError: It has no estimator, or other stages.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f'the config {str(path)!r} does not exist (absolute path '
                f'{str(path.absolute())!r}); correct --configs-dir')
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(dict(options or {}))
        if 'flow_estimator' not in (cfg.get('model') or {}):
            raise ValueError(f'{path} has no model.flow_estimator; name the '
                             'config of a motion stream')
        plan = cls(cfg)
        plan._check()
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.merge_from_dict({
            'default_hooks.checkpoint.max_keep_ckpts': _KEPT_CHECKPOINTS
        })
        return plan

    @property
    def estimator(self) -> dict[str, Any]:
        """The config's own estimator."""
        return self.cfg.model.flow_estimator.to_dict()

    def epochs_of(self, stage: str) -> int:
        """Number of epochs of a stage."""
        begins = [config.begin for config in stage_configs(self.cfg)]
        ends = [*begins[1:], self.cfg.train_cfg.max_epochs]
        index = _STAGES.index(stage)
        return ends[index] - begins[index]

    def flow_config(self, seed: int, start: Path) -> Config:
        """The first stage alone; arguments as below."""
        return self._one_stage('flow', seed, start)

    def classifier_config(self, estimator: Mapping[str, Any], seed: int,
                          start: Path) -> Config:
        """The second stage alone, on the flow of any estimator.

        Args:
            estimator: Config of the estimator, which does not train.
            seed: Random seed.
            start: Checkpoint that the training loads first.
        """
        cfg = self._one_stage('classifier', seed, start)
        cfg.model.flow_estimator = copy.deepcopy(dict(estimator))
        return cfg

    def staged_config(self, seed: int) -> Config:
        """All three stages, which go on from the end of the first one."""
        cfg = copy.deepcopy(self.cfg)
        cfg.merge_from_dict({'randomness.seed': seed})
        cfg.load_from = None
        return cfg

    def _one_stage(self, name: str, seed: int, start: Path) -> Config:
        cfg = self.staged_config(seed)
        cfg.load_from = str(start)
        stage = stage_configs(cfg)[_STAGES.index(name)]
        staged_hook(cfg).stages = [dict(stage, begin=0)]
        cfg.train_cfg.max_epochs = self.epochs_of(name)
        return cfg

    def _check(self) -> None:
        hook = staged_hook(self.cfg)
        names = tuple(config.name for config in stage_configs(self.cfg))
        by_epoch = hook.get('by_epoch', True)
        epochs = (self.cfg.get('train_cfg') or {}).get('max_epochs')
        if names != _STAGES or not by_epoch or not isinstance(epochs, int):
            raise ValueError(
                f'The stages of {self.cfg.filename} are {names}, counted in '
                f'{"epochs" if by_epoch else "iterations"}, with '
                f'train_cfg.max_epochs={epochs}; expected {_STAGES} in epochs')
        for name in names:
            if self.epochs_of(name) < 1:
                raise ValueError(
                    f'Stage {name!r} of {self.cfg.filename} begins after its '
                    f'end or at train_cfg.max_epochs={epochs}; let each stage '
                    'have one epoch or more')


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Seeds, if each is one and there is one or more of them.

    Raises:
        ValueError: One is negative or given twice, or there is none.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f'--seeds are {list(seeds)}, expected one or more '
                         'different numbers from 0 up; correct them')
    return tuple(seeds)
