# SPDX-License-Identifier: Apache-2.0
"""A stream's config, on any of the official splits."""
from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict


@dataclass(frozen=True)
class Experiment:
    """A config with all its options.

    Attributes:
        name: Name of the config, without extension.
        cfg: Its settings.
    """
    name: str
    cfg: Config

    @classmethod
    def from_file(
        cls,
        path: Path,
        options: Mapping[str, Any],
        cure: str = '--configs-dir, or leave this split out with --splits'
    ) -> Experiment:
        """Read a config and change it.

        Args:
            path: Config file.
            options: Values by dotted keys, as of ``DictAction``.
            cure: What to correct where there is no such file.

        Raises:
            FileNotFoundError: There is no such config.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f'config {str(path)!r} does not exist (absolute path '
                f'{str(path.absolute())!r}); correct {cure}')
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(dict(options))
        return cls(path.stem, cfg)

    def on_split(self, split: int, shipped: Experiment) -> Experiment:
        """The same experiment on the lists of another one.

        Args:
            split: Number of the split.
            shipped: Experiment whose lists are those of the split.

        Raises:
            ValueError: It has another number of classes, or no place for a
                list.
        """
        classes = [
            (item.cfg.model.get('cls_head') or {}).get('num_classes')
            for item in (self, shipped)
        ]
        if classes[0] != classes[1]:
            raise ValueError(
                f'model.cls_head.num_classes of {self.cfg.filename} is '
                f'{classes[0]}, expected {classes[1]} as in '
                f'{shipped.cfg.filename}; name a stream for this data set')
        cfg = copy.deepcopy(self.cfg)
        for loader in ('train', 'val', 'test'):
            own, lists = _dataset(cfg, loader), _dataset(shipped.cfg, loader)
            # A stream need not be validated.
            if own is not None and lists is not None:
                own.ann_file = lists.ann_file
        # What the shipped configs make their lists of.
        for key in ('split', 'ann_file_train', 'ann_file_test'):
            if key in cfg and key in shipped.cfg:
                cfg[key] = shipped.cfg[key]
        # The config of a split may itself be on another one.
        name = re.sub(r'_split\d+$', '', self.name)
        return Experiment(name_on(split, name), cfg)

    @property
    def max_epochs(self) -> int:
        """Number of epochs of the training.

        Raises:
            ValueError: It is not counted in epochs.
        """
        epochs = (self.cfg.get('train_cfg') or {}).get('max_epochs')
        if not isinstance(epochs, int):
            raise ValueError(
                f'train_cfg.max_epochs of {self.cfg.filename} is {epochs!r}, '
                'but a finished training is known by its last epoch; use an '
                'EpochBasedTrainLoop')
        return epochs


def name_on(split: int, name: str) -> str:
    """Name of an experiment on a split: the plain one on the first."""
    return name if split == 1 else f'{name}_split{split}'


def _dataset(cfg: Config, loader: str) -> ConfigDict | None:
    """The data set of a loader, which has a list; None without the loader."""
    dataset = (cfg.get(f'{loader}_dataloader') or {}).get('dataset')
    # Inside of a RepeatDataset.
    while dataset and 'ann_file' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    if dataset and 'ann_file' not in dataset:
        raise ValueError(
            f'{loader}_dataloader.dataset of {cfg.filename} has no ann_file '
            'for the list of a split; name a stream whose data set has one')
    return dataset or None
