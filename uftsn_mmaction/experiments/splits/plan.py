# SPDX-License-Identifier: Apache-2.0
"""The configs of a data set's official splits, with options of a user."""
from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .experiment import Experiment

#: Prefix of the config's name by stream.
STREAMS = dict(spatial='tsn_r152', temporal='uftsn_r18')
FUSION = 'uftsn_fusion'


@dataclass(frozen=True)
class SplitPlan:
    """What is trained and tested on one split.

    Attributes:
        split: Its number.
        streams: Experiments by stream.
        fusion: Their fusion; None for a single stream.
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
                   options: Mapping[str, Any] | None = None,
                   replaced: Mapping[str, Path] | None = None) -> SplitPlan:
        """Read the configs of a split.

        Args:
            data_set: Name of the data set in the names of the configs.
            split: Value of the variable ``SPLIT`` that the configs read.
            streams: Names in :data:`STREAMS`; with all of them their fusion
                is read too.
            configs_dir: Folder of the configs.
            options: Values by dotted keys, see :func:`options_of`.
            replaced: Configs by stream that take the place of those in the
                folder, on the same lists.

        Raises:
            FileNotFoundError: A config is missing.
            ValueError: A config or an option does not fit.
        """
        replaced = dict(replaced or {})
        parts = [name for name in STREAMS if name in streams]
        unknown = sorted({*streams} - {*STREAMS})
        if unknown or not parts:
            raise ValueError(f'streams are {list(streams)}, expected one or '
                             f'more of {list(STREAMS)}')
        unused = sorted({*replaced} - {*parts})
        if unused:
            raise ValueError(f'--{unused[0]} names a config, but --streams '
                             f'are {parts}; leave one of them out')
        fused = len(parts) == len(STREAMS)
        options = options_of([*parts, *(['fusion'] if fused else [])],
                             options or {})

        def read(part: str, prefix: str) -> Experiment:
            path = configs_dir / f'{prefix}_{data_set}.py'
            shipped = Experiment.from_file(path, split)
            if split != 1 and (shipped.cfg.to_dict() == Experiment.from_file(
                    path, 1).cfg.to_dict()):
                raise ValueError(
                    f'{str(path)!r} is the same for SPLIT=1 and '
                    f'SPLIT={split}; write {{{{$SPLIT:1}}}} into the names of '
                    'its lists, as configs/_base_/datasets/ucf101.py does')
            if part in replaced:
                # Ablations and other flows change this experiment.
                own = Experiment.from_file(
                    replaced[part], split, f'--{part}',
                    EXPERIMENT=os.environ.get('EXPERIMENT', path.stem))
                shipped = own.with_lists_of(shipped)
            shipped.cfg.merge_from_dict(options[part])
            return shipped

        streams = {part: read(part, STREAMS[part]) for part in parts}
        fusion = read('fusion', FUSION) if fused else None
        if fusion is not None and replaced:
            names = (streams[part].name for part in parts if part in replaced)
            fusion = replace(fusion, name='_'.join((FUSION, *names)))
        plan = cls(split, streams, fusion)
        plan._check()
        return plan

    def _check(self) -> None:
        for experiment in self.streams.values():
            _ = experiment.max_epochs
        if self.fusion is None:
            return
        found = self.fusion.cfg.model.get('streams', {})
        if set(found) != set(STREAMS):
            raise ValueError(
                f'The streams of {self.fusion.cfg.filename} are '
                f'{sorted(found)}, expected {sorted(STREAMS)}; name them so')

    @property
    def rows(self) -> list[str]:
        """Names of the scores that the test gives."""
        if self.fusion is None:
            return list(self.streams)
        average = self.fusion.cfg.model.get('average', 'score')
        other = 'fusion_prob' if average == 'score' else 'fusion_score'
        return [*self.streams, 'fusion', other]

    def fusion_config(self, checkpoints: Mapping[str, Path]) -> Config:
        """The fusion of what was trained, with the options of each stream.

        Args:
            checkpoints: Weights by stream.
        """
        cfg = copy.deepcopy(self.fusion.cfg)
        for name, experiment in self.streams.items():
            stream = cfg.model.streams[name]
            # No update(), which would merge two models.
            stream.model = copy.deepcopy(experiment.cfg.model)
            stream.checkpoint = str(checkpoints[name])
        return cfg


def options_of(parts: Sequence[str],
               options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort options by whom they are for.

    Args:
        parts: Streams, and ``'fusion'`` where there is one.
        options: A key that begins with a part and a dot is for that part
            alone; any other one for each stream, and one of
            ``test_dataloader`` for the fusion too, which is tested on the
            same list.

    Returns:
        Options of each part, without its name in the keys.

    Raises:
        ValueError: An option is for a part that is not there.
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
