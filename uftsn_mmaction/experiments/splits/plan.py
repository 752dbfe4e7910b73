# SPDX-License-Identifier: Apache-2.0
"""The experiments of one official split: each stream, and their fusion."""
from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from ...fileio.paths import check_input_file
from ..experiment import STREAMS, Experiment, check_streams, fusion_config
from ..tools import RunSettings

#: Prefix of the config's name by part.
PREFIXES = dict(
    spatial='tsn_r152', temporal='uftsn_r18', fusion='uftsn_fusion')


@dataclass(frozen=True)
class SplitPlan:
    """Trainings of a split by stream, and the test of their fusion.

    There is no fusion of a single stream.
    """
    split: int
    streams: dict[str, Experiment]
    fusion: Experiment | None

    @classmethod
    def from_files(cls, data_set: str, split: int, streams: Sequence[str],
                   configs_dir: Path, settings: RunSettings,
                   options: Mapping[str, Any] | None = None,
                   replaced: Mapping[str, Path] | None = None) -> SplitPlan:
        """Read the configs of a split from a folder.

        ``streams`` are names in :data:`STREAMS`; both are fused too.
        ``options`` are values by dotted keys, see :func:`options_of`.
        ``replaced`` has configs by stream instead of those in the folder.
        Each experiment has a folder of its name in the work directory, and
        its config in ``{data_set}_splits/`` there.
        """
        replaced = replaced or {}
        parts = [name for name in STREAMS if name in streams]
        if not parts or not {*streams} <= {*STREAMS}:
            raise ValueError(f'streams are {list(streams)}, expected one or '
                             f'more of {list(STREAMS)}')
        unused = sorted({*replaced} - {*parts})
        if unused:
            raise ValueError(f'--{unused[0]} names a config, but --streams '
                             f'are {parts}; leave one of them out')
        if len(parts) == len(STREAMS):
            parts.append('fusion')
        options = options_of(parts, options or {})
        names: dict[str, str] = {}
        found: dict[str, Experiment] = {}
        for part in parts:
            name = f'{PREFIXES[part]}_{data_set}'
            cfg = _read_shipped(configs_dir / f'{name}.py', split)
            if part in replaced:
                name, cfg = _read_other(replaced[part], split, cfg,
                                        f'--{part}')
            elif part == 'fusion' and replaced:
                name = '_'.join((PREFIXES[part], *map(names.get, replaced)))
            cfg.merge_from_dict(options[part])
            epochs = (cfg.get('train_cfg') or {}).get('max_epochs')
            if part == 'fusion':
                check_streams(cfg)
                cfg = fusion_config(cfg, found)
            elif not isinstance(epochs, int):
                raise ValueError(
                    f'train_cfg.max_epochs of {cfg.filename} is {epochs!r}, '
                    'but a finished training is known by its last epoch; use '
                    'an EpochBasedTrainLoop')
            names[part] = name
            name += '' if split == 1 else f'_split{split}'
            found[part] = Experiment(
                name, cfg, settings.work_dir / name,
                settings.work_dir / f'{data_set}_splits' / f'{name}.py',
                settings)
        fusion = found.pop('fusion', None)
        return cls(split, found, fusion)

    @property
    def rows(self) -> list[str]:
        """Names of the scores that the test gives."""
        if self.fusion is None:
            return list(self.streams)
        average = self.fusion.cfg.model.get('average', 'score')
        other = 'fusion_prob' if average == 'score' else 'fusion_score'
        return [*self.streams, 'fusion', other]


def options_of(parts: Sequence[str],
               options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort options by the part they are for, a stream or ``'fusion'``.

    A key that begins with a part and a dot is for that part alone, any other
    one for each stream. Those of ``test_dataloader`` are for the fusion too,
    which is tested on the same list.

    >>> options_of(['spatial', 'temporal'], {'temporal.a': 1, 'b': 2})
    {'spatial': {'b': 2}, 'temporal': {'a': 1, 'b': 2}}
    """
    found: dict[str, dict[str, Any]] = {part: {} for part in parts}
    for key, value in options.items():
        part, _, rest = key.partition('.')
        if part not in (*STREAMS, 'fusion'):
            for name in parts:
                if name in STREAMS or part == 'test_dataloader':
                    found[name][key] = value
        elif part not in parts or not rest:
            raise ValueError(
                f'--cfg-options has {key!r}, which is no setting of '
                f'{" or ".join(parts)}; write {parts[0]}.KEY=VALUE for one of '
                'them, KEY=VALUE for all streams, or correct --streams')
        else:
            found[part][rest] = value
    return found


def _read_shipped(path: Path, split: int) -> Config:
    """Read the config that has the lists of a split."""
    cfg = _read(path, '--configs-dir', SPLIT=str(split))
    if split > 1 and 'SPLIT' not in cfg.env_variables:
        raise ValueError(
            f'{str(path)!r} is the same for SPLIT=1 and SPLIT={split}; write '
            '{{$SPLIT:1}} into the names of its lists, as '
            'configs/_base_/datasets/ucf101.py does')
    return cfg


def _read_other(path: Path, split: int, shipped: Config,
                option: str) -> tuple[str, Config]:
    """Read another stream on the lists of a shipped one, and its name."""
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
    """Put the lists of a shipped stream into another one."""
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
