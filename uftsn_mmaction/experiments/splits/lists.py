# SPDX-License-Identifier: Apache-2.0
"""Configs on the lists of an official split."""
from __future__ import annotations

import os
import re
from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...fileio.paths import check_input_file


def read_shipped(path: Path, split: int) -> Config:
    """Read the config that has the lists of a split.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it does not ask for the split.
    """
    cfg = _read(path, '--configs-dir', SPLIT=str(split))
    if split > 1 and 'SPLIT' not in cfg.env_variables:
        raise ValueError(
            f'{str(path)!r} is the same for SPLIT=1 and SPLIT={split}; write '
            '{{$SPLIT:1}} into the names of its lists, as '
            'configs/_base_/datasets/ucf101.py does')
    return cfg


def read_other(path: Path, split: int, shipped: Config,
               option: str) -> tuple[str, Config]:
    """Read another stream, on the lists of a shipped one.

    Returns:
        Name of its folder on the first split, and the config.

    Raises:
        FileNotFoundError: If there is no such config; correct ``option``.
        ValueError: If it has another number of classes, or no place for a
            list.
    """
    # Ablations and other flows change this experiment.
    experiment = os.environ.get('EXPERIMENT', Path(shipped.filename).stem)
    first, cfg = (
        _read(path, option, SPLIT=number, EXPERIMENT=experiment)
        for number in ('1', str(split)))
    _put_lists(cfg, shipped)
    # A config without a folder has one of its own name. On another split the
    # folder may be that of a base config.
    name = Path(first.get('work_dir') or path.stem).name
    # The config may itself be on another split.
    return re.sub(r'_split\d+$', '', name), cfg


def _read(path: Path, option: str, **variables: str) -> Config:
    """Read a config that reads environment variables."""
    check_input_file(path, f'config {str(path)!r}', f'correct {option}')
    outside = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        return Config.fromfile(path)
    finally:
        for name, value in outside.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def _put_lists(cfg: Config, shipped: Config) -> None:
    classes, expected = (
        (item.model.get('cls_head') or {}).get('num_classes')
        for item in (cfg, shipped))
    if classes != expected:
        raise ValueError(
            f'model.cls_head.num_classes of {cfg.filename} is {classes}, '
            f'expected {expected} as in {shipped.filename}; name a stream '
            'for this data set')
    for loader in ('train', 'val', 'test'):
        own, lists = _dataset(cfg, loader), _dataset(shipped, loader)
        # A stream need not be validated.
        if own is not None and lists is not None:
            own.ann_file = lists.ann_file
    # The variables that the shipped configs make their lists of.
    for key in ('split', 'ann_file_train', 'ann_file_test'):
        if key in cfg and key in shipped:
            cfg[key] = shipped[key]


def _dataset(cfg: Config, loader: str) -> ConfigDict | None:
    """Return the data set of a loader, which has a list; None without it."""
    dataset = (cfg.get(f'{loader}_dataloader') or {}).get('dataset')
    # Inside a RepeatDataset.
    while dataset and 'ann_file' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    if dataset and 'ann_file' not in dataset:
        raise ValueError(
            f'{loader}_dataloader.dataset of {cfg.filename} has no ann_file '
            'for the list of a split; name a stream whose data set has one')
    return dataset or None
