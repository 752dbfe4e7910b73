# SPDX-License-Identifier: Apache-2.0
"""Measurements of one estimator in one combination, and their table."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from statistics import median
from textwrap import fill
from typing import Any

import cv2
import torch

from ..table import Column, Spread, Table
from .counting import PairMacs
from .settings import BenchmarkSettings, Combination

#: Errors of an estimator or of a lack of memory, which leave a gap.
FAILURES = (RuntimeError, ValueError, MemoryError, cv2.error)
_OUT_OF_MEMORY = ('out of memory', "can't allocate memory",
                  'not enough memory', 'insufficient memory')
_COLUMNS = (Column('estimator', 'estimator'),
            Column('params_m', 'params, M', '.3g'),
            Column('gmac', 'GMAC', '.3g'),
            Column('ms_per_pair', 'ms/pair', '.2f', center='median'),
            Column('ms_per_pair_flow', 'flow, ms/pair', '.2f'),
            Column('fps', 'fps', '.1f'),
            Column('ratio', 'ratio', '.2f', center='median'),
            Column('peak_mb', 'peak, MB', '.0f'))


@dataclass
class Row:
    """Measurements of one estimator in one combination."""
    estimator: str
    combination: Combination
    random_weights: bool
    parameters: int
    settings: str = ''
    macs: PairMacs | None = None
    # Seconds from frames to predictions, and those of the flow within them.
    rounds: list[tuple[float, float]] = field(default_factory=list)
    peak_mb: float | None = None
    failure: str | None = None

    @contextmanager
    def gap_on_failure(self) -> Iterator[None]:
        """Note an expected failure of a block instead of raising it."""
        try:
            yield
        except FAILURES as error:
            self.failure = describe_failure(error)
            # Half of the rounds are no result.
            self.rounds.clear()

    def values(self, first: Row, pairs: int) -> dict[str, Any]:
        """Return all values by name; ``first`` is the row to compare with."""
        to_ms = 1000 / (self.combination.batch_size * pairs)
        ms = [to_ms * seconds for seconds, _ in self.rounds]
        time = Spread.of(ms)
        return dict(
            estimator=self.estimator,
            **vars(self.combination),
            random_weights=self.random_weights,
            settings=self.settings,
            params_m=self.parameters / 1e6,
            gmac=self.macs and sum(self.macs) / 1e9,
            gmac_elementwise=self.macs and self.macs.elementwise / 1e9,
            ms_per_pair=time,
            ms_per_pair_flow=time and to_ms * median(
                flow for _, flow in self.rounds),
            fps=time and 1000 / time.median,
            # Within a round, since what slows a machine outlasts one.
            ratio=Spread.of(
                mine / other
                for (mine, _), (other, _) in zip(self.rounds, first.rounds)),
            peak_mb=self.peak_mb,
            ms_per_pair_rounds=ms,
            failure=self.failure)


def describe_failure(error: BaseException) -> str:
    """Return one line on an error; a lack of memory is named so."""
    text = str(error).strip()
    first = text.split('\n')[0].rstrip('.') or type(error).__name__
    if isinstance(error, ValueError):
        return first  # says itself what is wrong
    if isinstance(error, MemoryError) or any(
            words in text.lower() for words in _OUT_OF_MEMORY):
        if torch.cuda.is_available():
            # The next estimator may fit into what this one could not use.
            torch.cuda.empty_cache()
        return f'out of memory ({first})'
    return f'{type(error).__name__}: {first}'


def time_in_turn(rows: Sequence[Row],
                 runs: Sequence[Callable[[], tuple[float, float]] | None],
                 repeats: int, warmup: int) -> None:
    """Run everything once, then everything again, and so on.

    What slows the machine down for a while then slows all alike, whereas
    ``torch.utils.benchmark`` repeats one after the other. A row with a
    failure is left out, and may have no run.
    """
    for number in range(warmup + repeats):
        for row, run in zip(rows, runs):
            if row.failure:
                continue
            with row.gap_on_failure():
                seconds = run()
                if number >= warmup:
                    row.rounds.append(seconds)


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
