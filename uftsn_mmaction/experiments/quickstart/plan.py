# SPDX-License-Identifier: Apache-2.0
"""The configs of a quickstart, checked before anything runs."""
from __future__ import annotations

import bisect
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.runner.utils import calc_dynamic_intervals

from ...engine.hooks.stage import (
    PRESETS,
    stage_configs,
    stage_epochs,
    staged_hook,
)
from ..experiment import check_streams

#: Metrics that the report reads from each validation and test.
METRICS = ('AccMetric', 'MotionAccuracy', 'EndPointError')
#: Data loaders of a config.
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def _learned(estimator: ConfigDict) -> ConfigDict:
    """Return the estimator with weights, which others may wrap."""
    while 'flow_estimator' in estimator:
        estimator = estimator.flow_estimator
    return estimator


@dataclass(frozen=True)
class QuickstartPlan:
    """Configs of both streams and of their fusion, on the same videos."""
    motion: Config
    spatial: Config
    fusion: Config
    options: Mapping[str, Any]  # what differs from the file of motion

    @classmethod
    def from_files(cls, config_file: str, fusion_file: str,
                   options: Mapping[str, Any] | None = None,
                   data_root: str | None = None) -> QuickstartPlan:
        """Read and check the configs.

        ``config_file`` is that of the motion stream; ``fusion_file`` names
        the spatial stream. ``options`` are settings by dotted key.
        ``data_root`` replaces the config's folder of the videos.
        """
        options = dict(options or {})
        if data_root is not None:
            for name in LOADERS:
                options[f'{name}.dataset.data_root'] = data_root
        motion = Config.fromfile(config_file)
        motion.merge_from_dict(options)
        fusion = Config.fromfile(fusion_file)
        check_streams(fusion)
        spatial = Config.fromfile(fusion.model.streams.spatial.model)
        found, expected = (
            cfg.model.cls_head.num_classes for cfg in (spatial, motion))
        if found != expected:
            raise ValueError(
                f'model.cls_head.num_classes is {found} in the spatial '
                f'stream of {fusion_file} and {expected} in {config_file}; '
                'use configs of the same data')
        for name in LOADERS:
            dataset = motion[name].dataset
            spatial[name].num_workers = motion[name].num_workers
            spatial[name].dataset.data_root = dataset.data_root
            spatial[name].dataset.generator = copy.deepcopy(dataset.generator)
        spatial.randomness = copy.deepcopy(motion.get('randomness'))
        fusion.test_dataloader = copy.deepcopy(motion.test_dataloader)
        plan = cls(motion, spatial, fusion, options)
        plan._check()
        return plan

    @property
    def pretrained(self) -> str | None:
        """Name of the weights from which the estimator starts."""
        return _learned(self.motion.model.flow_estimator).get('pretrained')

    @property
    def refined(self) -> bool:
        """Return whether TV-L1 iterations refine the flow."""
        return self.motion.model.flow_estimator.type == 'RefinedFlowEstimator'

    def validates(self, epoch: int) -> bool:
        """Return whether the training validates after an epoch (from 1)."""
        train_cfg = self.motion.train_cfg
        begins, intervals = calc_dynamic_intervals(
            train_cfg.get('val_interval', 1),
            train_cfg.get('dynamic_intervals'))
        # As MMEngine's loop does it, which looks one epoch ahead.
        interval = intervals[bisect.bisect(begins, epoch + 1) - 1]
        return epoch >= train_cfg.get('val_begin', 1) and (
            epoch % interval == 0 or epoch == train_cfg.max_epochs)

    def control_config(self) -> Config:
        """Return stages 2 and 3 on the flow of a random estimator.

        Whatever this classifier learns needs no motion estimation; so its
        flow is not refined, either.
        """
        cfg = copy.deepcopy(self.motion)
        estimator = _learned(cfg.model.flow_estimator)
        cfg.model.flow_estimator = estimator
        if self.pretrained:
            # Its plan, but none of its weights.
            estimator.setdefault('plan', estimator.pop('pretrained'))
        _, classifier, joint = stage_configs(cfg)
        rates = joint.get('lr')
        if isinstance(rates, dict):
            rates = {k: v for k, v in rates.items() if k != 'flow_estimator'}
        # The last stage without its estimator.
        end = dict(PRESETS['classifier'], name='end', lr=rates,
                   begin=joint.begin - classifier.begin)
        staged_hook(cfg).stages = [dict(classifier, begin=0), end]
        cfg.train_cfg.max_epochs -= classifier.begin
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        return cfg

    def start_config(self) -> Config:
        """Return a test of the estimator as it is before the training."""
        cfg = copy.deepcopy(self.motion)
        # The classifier behind it is untrained.
        cfg.test_evaluator = [dict(type='EndPointError')]
        return cfg

    def tvl1_config(self) -> Config:
        """Return a test of TV-L1 at OpenCV's settings instead of ours."""
        cfg = self.start_config()
        # Two processes change the time alone, the longest of all tests.
        cfg.model.flow_estimator = dict(
            type='TVL1FlowEstimator', num_workers=2)
        # Slow enough to show the progress of every clip.
        cfg.test_dataloader.batch_size = 1
        return cfg

    def settings(self) -> dict[str, Any]:
        """Return all settings as JSON has them."""
        settings = dict(
            self.motion.to_dict(),
            spatial=self.spatial.to_dict(),
            fusion=self.fusion.to_dict())
        return json.loads(json.dumps(settings))

    def _check(self) -> None:
        file = self.motion.filename
        for key in ('val_evaluator', 'test_evaluator'):
            metrics = self.motion[key]
            metrics = metrics if isinstance(metrics, list) else [metrics]
            found = [metric.type for metric in metrics]
            missing = [name for name in METRICS if name not in found]
            if missing:
                raise ValueError(
                    f'{key} of {file} has {found}, but the report needs '
                    f'{missing} too; add them to the config')
        for name, epochs in stage_epochs(self.motion).items():
            if not any(map(self.validates, epochs)):
                raise ValueError(
                    f'Stage {name!r} of {file} ends without a validation '
                    f'(epochs {list(epochs)}); lower train_cfg.val_interval '
                    'or lengthen the stage')
