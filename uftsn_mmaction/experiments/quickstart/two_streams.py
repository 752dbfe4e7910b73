# SPDX-License-Identifier: Apache-2.0
"""The spatial stream and the fusion of a quickstart, beside its plan."""
from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .plan import LOADERS, QuickstartPlan


@dataclass(frozen=True)
class TwoStreamPlan:
    """The motion stream's plan, and the configs that stand beside it.

    Attributes:
        motion: Plan of the motion stream.
        fusion: Config of a fusion of ``spatial`` and ``temporal``.
        spatial: Config of the spatial stream, on the data of the plan.
    """

    motion: QuickstartPlan
    fusion: Config
    spatial: Config

    @classmethod
    def from_file(cls, motion: QuickstartPlan,
                  fusion_file: str | Path) -> TwoStreamPlan:
        """Read the fusion, and the spatial stream that it names.

        Args:
            motion: Plan of the motion stream.
            fusion_file: Config of the fusion.

        Raises:
            FileNotFoundError: There is no such config.
            ValueError: It has other streams, or their classes differ.
        """
        fusion = Config.fromfile(fusion_file)
        streams = fusion.model.get('streams', {})
        if set(streams) != {'spatial', 'temporal'}:
            raise ValueError(
                f'The streams of {fusion_file} are {sorted(streams)}, but the '
                "report needs 'spatial' and 'temporal'; use a config derived "
                'from configs/uftsn_fusion_quickstart.py')
        spatial = Config.fromfile(streams.spatial.model)
        classes = [
            cfg.model.cls_head.num_classes for cfg in (spatial, motion.cfg)
        ]
        if len(set(classes)) > 1:
            raise ValueError(
                f'The spatial stream of {fusion_file} has {classes[0]} '
                f'classes, the motion stream of {motion.config_file} '
                f'{classes[1]}; use configs of the same data')
        for name in LOADERS:
            dataset = spatial[name].dataset
            found = motion.cfg[name]
            dataset.data_root = found.dataset.data_root
            dataset.generator = copy.deepcopy(found.dataset.generator)
            spatial[name].num_workers = found.num_workers
        spatial.randomness = copy.deepcopy(motion.cfg.get('randomness'))
        return cls(motion, fusion, spatial)

    def fusion_config(self, spatial: Path, temporal: Path) -> Config:
        """The fusion of what was trained.

        Args:
            spatial: Checkpoint of the spatial stream.
            temporal: Checkpoint of the motion stream.
        """
        cfg = copy.deepcopy(self.fusion)
        streams = cfg.model.streams
        streams.spatial.update(
            model=copy.deepcopy(self.spatial.model), checkpoint=str(spatial))
        streams.temporal.update(
            model=copy.deepcopy(self.motion.cfg.model),
            checkpoint=str(temporal))
        cfg.test_dataloader = copy.deepcopy(self.motion.cfg.test_dataloader)
        return cfg

    def to_json(self) -> str:
        """All settings, for comparison with those of an earlier run."""
        settings: dict[str, Any] = dict(
            self.motion.cfg.to_dict(),
            spatial=self.spatial.to_dict(),
            fusion=self.fusion.to_dict())
        return json.dumps(settings, indent=2, sort_keys=True)
