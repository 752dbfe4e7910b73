# SPDX-License-Identifier: Apache-2.0
"""The experiments of one official split: each stream, and their fusion."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..experiment import Experiment
from ..fusion import STREAMS, check_streams, fusion_config
from ..tools import RunSettings
from .lists import read_other, read_shipped

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
    def from_files(cls,
                   data_set: str,
                   split: int,
                   streams: Sequence[str],
                   configs_dir: Path,
                   settings: RunSettings,
                   options: Mapping[str, Any] | None = None,
                   replaced: Mapping[str, Path] | None = None) -> SplitPlan:
        """Read the configs of a split.

        Args:
            data_set: Name of the data set in the names of the configs.
            split: Number of the split.
            streams: Names in :data:`STREAMS`. All of them are fused too.
            configs_dir: Folder of the configs.
            settings: How they are run. Each has a folder of its name in
                ``work_dir``; their files as they are run are beside those,
                in ``{data_set}_splits/``.
            options: Values by dotted keys, see :func:`options_of`.
            replaced: Configs by stream that take the place of those in the
                folder, on the same lists.

        Raises:
            FileNotFoundError: If a config is missing.
            ValueError: If a config or an option does not fit.
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
            cfg = read_shipped(configs_dir / f'{name}.py', split)
            if part in replaced:
                name, cfg = read_other(replaced[part], split, cfg, f'--{part}')
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

    Raises:
        ValueError: If an option is for a part that is not there.

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
