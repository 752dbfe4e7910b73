# SPDX-License-Identifier: Apache-2.0
"""The configs of a comparison: they differ in the flow and nothing else."""
from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...engine.hooks.stage import stage_configs, staged_hook
from ..stages import stage_epochs

#: Config of the motion stream by the name of its data.
DATA = dict(
    quickstart='uftsn_quickstart.py',
    ucf101_subset='uftsn_r18_ucf101_subset.py')


@dataclass(frozen=True)
class ComparisonPlan:
    """A config of three stages, taken apart."""
    cfg: Config

    @classmethod
    def from_file(cls, path: Path, options: Mapping[str, Any] | None = None
                  ) -> ComparisonPlan:
        """Read the config of a motion stream, and change it by options."""
        if not path.is_file():
            raise FileNotFoundError(
                f'the config {str(path)!r} does not exist (absolute path '
                f'{str(path.absolute())!r}); correct --configs-dir')
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(dict(options or {}))
        if 'flow_estimator' not in (cfg.get('model') or {}):
            raise ValueError(f'{path} has no model.flow_estimator; name the '
                             'config of a motion stream')
        stage_epochs(cfg)
        # The test after the last epoch counts alone.
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        # With one file, a kill between removing it and writing the next one
        # loses both.
        cfg.merge_from_dict({'default_hooks.checkpoint.max_keep_ckpts': 2})
        return cls(cfg)

    @property
    def estimator(self) -> dict[str, Any]:
        """The config's own estimator."""
        return self.cfg.model.flow_estimator.to_dict()

    @property
    def epochs(self) -> dict[str, int]:
        """Number of epochs of each stage."""
        stages = stage_epochs(self.cfg)
        return {name: len(epochs) for name, epochs in stages.items()}

    def staged_config(self, seed: int) -> Config:
        """Return the config of all three stages."""
        cfg = copy.deepcopy(self.cfg)
        cfg.merge_from_dict({'randomness.seed': seed})
        cfg.load_from = None
        return cfg

    def stage_config(self, name: str, seed: int,
                     estimator: Mapping[str, Any] | None = None) -> Config:
        """Return the config of a stage alone, maybe of another estimator."""
        cfg = self.staged_config(seed)
        stage, = (item for item in stage_configs(cfg) if item.name == name)
        staged_hook(cfg).stages = [dict(stage, begin=0)]
        cfg.train_cfg.max_epochs = self.epochs[name]
        if estimator is not None:
            cfg.model.flow_estimator = copy.deepcopy(dict(estimator))
        return cfg
