# SPDX-License-Identifier: Apache-2.0
"""What a quickstart does, read from its config."""
from __future__ import annotations

import argparse
import bisect
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction
from mmengine.runner.utils import calc_dynamic_intervals

from ...engine.hooks.stage import PRESETS, stage_configs, staged_hook

#: Stages of sec. 3.2 that the report tells about.
STAGES = ('flow', 'classifier', 'joint')
#: What it reads from each validation and test.
METRICS = ('AccMetric', 'MotionAccuracy', 'EndPointError')
#: Data loaders of a config.
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


@dataclass(frozen=True)
class QuickstartPlan:
    """A config, checked before it takes minutes to find out.

    Attributes:
        config_file: File for the trainer.
        options: ``key=value`` strings for the trainer's ``--cfg-options``.
        cfg: What results from the two.
    """

    config_file: str
    options: tuple[str, ...]
    cfg: Config

    @classmethod
    def from_file(cls,
                  config_file: str,
                  data_root: str | None = None,
                  options: Sequence[str] = ()) -> QuickstartPlan:
        """Read and check a config.

        Args:
            config_file: Config of the motion stream.
            data_root: Folder of the generated set, in place of the config's.
            options: Further settings, as for ``--cfg-options``.

        Raises:
            FileNotFoundError: There is no such config.
            ValueError: An option is no ``key=value``, or the config lacks
                something that the report needs.
        """
        options = tuple(options)
        if data_root is not None:
            options += tuple(f'{loader}.dataset.data_root={data_root}'
                             for loader in LOADERS)
        cfg = Config.fromfile(config_file)
        cfg.merge_from_dict(_parse_options(options))
        plan = cls(str(config_file), options, cfg)
        plan._check(data_root)
        return plan

    @property
    def stage_configs(self) -> list[ConfigDict]:
        """Settings of the stages, in the order in which they run."""
        return stage_configs(self.cfg)

    @property
    def max_epochs(self) -> int:
        """Number of epochs of all stages."""
        return self.cfg.train_cfg.max_epochs

    def epochs_of(self, stage: str) -> range:
        """Epochs of a stage, counted from 1 as in checkpoints and logs."""
        begins = [config.begin for config in self.stage_configs]
        index = [config.name for config in self.stage_configs].index(stage)
        ends = [*begins[1:], self.max_epochs]
        return range(begins[index] + 1, min(ends[index], self.max_epochs) + 1)

    def validates(self, epoch: int) -> bool:
        """Whether the training loop validates after an epoch (from 1)."""
        train_cfg = self.cfg.train_cfg
        begins, intervals = calc_dynamic_intervals(
            train_cfg.get('val_interval', 1),
            train_cfg.get('dynamic_intervals'))
        # As the loop does it, which looks one epoch ahead.
        interval = intervals[bisect.bisect(begins, epoch + 1) - 1]
        return epoch >= train_cfg.get('val_begin', 1) and (
            epoch % interval == 0 or epoch == self.max_epochs)

    def control_config(self) -> Config:
        """The classifier on the flow of a random estimator.

        Everything else is as in stages 2 and 3 of the staged training: seed,
        classifier, number of epochs, learning rates. What the classifier
        learns here needs no motion estimation.
        """
        cfg = copy.deepcopy(self.cfg)
        _, classifier, joint = self.stage_configs
        rates = joint.get('lr')
        if isinstance(rates, dict):
            rates = {k: v for k, v in rates.items() if k != 'flow_estimator'}
        first = len(self.epochs_of('classifier'))
        staged_hook(cfg).stages = [
            dict(classifier, begin=0),
            # The last stage without its estimator.
            dict(PRESETS['classifier'], name='end', begin=first, lr=rates)
        ]
        cfg.train_cfg.max_epochs = first + len(self.epochs_of('joint'))
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        return cfg

    def tvl1_config(self) -> Config:
        """TV-L1 at OpenCV's settings in the estimator's place, for tests."""
        cfg = copy.deepcopy(self.cfg)
        # The threads change nothing but the time, the longest of the tests.
        cfg.model.flow_estimator = dict(
            type='TVL1FlowEstimator', num_workers=2)
        # The classifier behind it is not trained.
        cfg.test_evaluator = [dict(type='EndPointError')]
        # Slow enough to show the progress of every clip.
        cfg.test_dataloader.batch_size = 1
        return cfg

    def _check(self, data_root: str | None) -> None:
        hook = staged_hook(self.cfg)
        names = tuple(config.name for config in self.stage_configs)
        if names != STAGES or not hook.get('by_epoch', True):
            raise ValueError(
                f'The stages of {self.config_file} are {names}, counted in '
                f'{"epochs" if hook.get("by_epoch", True) else "iterations"};'
                f' expected {STAGES} in epochs, so use a config derived from '
                'configs/uftsn_quickstart.py')
        for key in ('val_evaluator', 'test_evaluator'):
            metrics = self.cfg[key]
            metrics = metrics if isinstance(metrics, list) else [metrics]
            found = [metric.type for metric in metrics]
            missing = [name for name in METRICS if name not in found]
            if missing:
                raise ValueError(
                    f'{key} of {self.config_file} has {found}, but the report '
                    f'needs {missing} too; add them to the config')
        for name in STAGES:
            epochs = self.epochs_of(name)
            if not any(map(self.validates, epochs)):
                raise ValueError(
                    f'Stage {name!r} of {self.config_file} ends without a '
                    f'validation (epochs {list(epochs)}); lower '
                    'train_cfg.val_interval or lengthen the stage')
        found = self.cfg.train_dataloader.dataset.data_root
        if data_root is not None and found != data_root:
            raise ValueError(
                f'data_root {data_root!r} reaches the trainer as {found!r}, '
                'because config options take out blanks and split at commas; '
                'choose a folder without them')


def _parse_options(options: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` strings as the trainer will read them."""
    for option in options:
        if not option.partition('=')[0] or '=' not in option:
            raise ValueError('--cfg-options expects key=value, got '
                             f'{option!r}; write, for example, '
                             'train_dataloader.batch_size=8')
    parser = argparse.ArgumentParser()
    parser.add_argument('options', nargs='*', action=DictAction)
    return parser.parse_args(['--', *options]).options or {}
