# SPDX-License-Identifier: Apache-2.0
"""The rows of a benchmark for a terminal and for a JSON file."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from textwrap import fill
from typing import Any

from ..table import Column, Spread, Table
from .settings import BenchmarkSettings, Combination

_COLUMNS = (Column('estimator', 'estimator'),
            Column('params_m', 'params, M', '.3g'),
            Column('gmac', 'GMAC', '.3g'),
            Column('ms_per_pair', 'ms/pair', '.2f', center='median'),
            Column('ms_per_pair_flow', 'flow, ms/pair', '.2f'),
            Column('fps', 'fps', '.1f'),
            Column('ratio', 'ratio', '.2f', center='median'),
            Column('peak_mb', 'peak, MB', '.0f'))


def definitions(settings: BenchmarkSettings) -> dict[str, str]:
    """Return the meaning of each column, by its key in the JSON file."""
    end = ('its predictions' if settings.classifier else
           'its flow, as there is no classifier')
    return dict(
        params_m='parameters of the motion estimation only, in millions',
        gmac='multiply-accumulates of the motion estimation for one pair of '
        'frames, in 10**9: convolutions, matrix products, and products, '
        'quotients and powers element by element (which build the cost '
        'volume); not those of warps, resizing and activations; - for solvers '
        'of OpenCV',
        ms_per_pair=f'time of a batch from 8-bit RGB in memory to {end}, '
        f'divided by its pairs: a clip of {settings.clip_len} frames has '
        f'{settings.clip_len - 1}; median, fastest and slowest of '
        f'{settings.repeats} rounds after {settings.warmup} of warm-up',
        ms_per_pair_flow='the part of that time that the flow takes, from '
        'frames in [0, 1] on the device',
        fps='1000 / ms_per_pair: a video brings one new pair with each frame',
        ratio=f'time over that of {settings.estimators[0]} in the same round; '
        'median, lowest and highest',
        peak_mb='memory of one run above that of model and frames, in 2**20 '
        'bytes: on the CPU resident memory of a new process, with what '
        'libraries set up at first use; on a GPU what PyTorch holds')


def to_text(rows: Sequence[Mapping[str, Any]],
            settings: BenchmarkSettings) -> str:
    """Return a table per combination, then settings and definitions."""
    parts = []
    group_key = itemgetter('device', 'size', 'batch_size')
    for group, block in groupby(rows, group_key):
        table, random, gaps = Table(_COLUMNS), {}, []
        for row in block:
            table.add(**{column.key: row[column.key] for column in _COLUMNS})
            name = row['estimator']
            if row['random_weights']:
                random[name] = None
            if row['failure']:
                gaps.append(f'no times of {name}: {row["failure"]}')
        lines = [Combination(*group).title, table.to_text()]
        if random:
            lines.append(f'random weights: {", ".join(random)}')
        parts.append([*lines, *gaps])
    parts.append(
        dict.fromkeys(f'{row["estimator"]}: {row["settings"]}' for row in rows
                      if row['settings']))
    parts.append(
        fill(f'{key}: {text}', 79, subsequent_indent='  ')
        for key, text in definitions(settings).items())
    return '\n\n'.join('\n'.join(part) for part in parts if part)


def to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Split each spread into its median, ``KEY_min`` and ``KEY_max``."""
    flat = dict(row)
    for key in ('ms_per_pair', 'ratio'):
        spread: Spread | None = row[key]
        flat[key] = spread and spread.median
        flat[f'{key}_min'] = spread and spread.min
        flat[f'{key}_max'] = spread and spread.max
    return flat
