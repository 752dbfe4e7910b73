# SPDX-License-Identifier: Apache-2.0
"""A stream's config, on any of the official splits."""
from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config, ConfigDict


@dataclass(frozen=True)
class Experiment:
    """A config with all its options.

    Attributes:
        name: Name of its folder of checkpoints.
        cfg: Its settings.
    """
    name: str
    cfg: Config

    @classmethod
    def from_file(cls,
                  path: Path,
                  split: int,
                  option: str = '--configs-dir',
                  **variables: str) -> Experiment:
        """Read a config on a split.

        Args:
            path: Config file.
            split: Number of the split.
            option: Option to correct if there is no such file.
            **variables: Further environment variables that the config reads.

        Raises:
            FileNotFoundError: If there is no such config.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f'config {str(path)!r} does not exist (absolute path '
                f'{str(path.absolute())!r}); correct {option}')
        with _environment(SPLIT='1', **variables):
            first = Config.fromfile(path)
        with _environment(SPLIT=str(split), **variables):
            cfg = Config.fromfile(path)
        # A config that leaves its folder open has one of its own name. The
        # folder of another split may be that of a base config.
        name = Path(first.get('work_dir') or path.stem).name
        # The config may itself be on another split.
        name = re.sub(r'_split\d+$', '', name)
        return cls(name if split == 1 else f'{name}_split{split}', cfg)

    def with_lists_of(self, shipped: Experiment) -> Experiment:
        """Return the same experiment on the lists of another one.

        Raises:
            ValueError: If the number of classes differs, or a data set has
                no list.
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
        return Experiment(self.name, cfg)

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


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
