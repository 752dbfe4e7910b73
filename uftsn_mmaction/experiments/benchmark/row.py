# SPDX-License-Identifier: Apache-2.0
"""Measurements of one estimator in one combination, and their table."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import groupby
from operator import itemgetter
from statistics import median
from textwrap import fill
from typing import Any

import cv2
import torch

from ...models.flow.precision import Arithmetic
from ..table import Column, Spread, Table
from .counting import PairMacs
from .settings import BenchmarkSettings, Combination
from .workload import Seconds

#: Errors of an estimator or of a lack of memory, which leave a gap.
FAILURES = (RuntimeError, ValueError, MemoryError, cv2.error)
_OUT_OF_MEMORY = ('out of memory', "can't allocate memory",
                  'not enough memory', 'insufficient memory')
_COLUMNS = (Column('estimator', 'estimator'),
            Column('params_m', 'params, M', '.3g'),
            Column('gmac', 'GMAC', '.3g'),
            Column('gmac_clip', 'in a clip', '.3g'),
            Column('arithmetic', 'convolutions'),
            Column('ms_per_pair', 'ms/pair', '.2f', center='median'),
            Column('cpu_ms_per_pair', 'CPU', '.2f'),
            Column('fps', 'fps', '.1f'),
            Column('ratio', 'ratio', '.2f', center='median'),
            Column('ms_per_pair_flow', 'flow, ms/pair', '.2f'),
            Column('ratio_flow', 'ratio', '.2f', center='median'),
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
    clip_macs: PairMacs | None = None
    arithmetic: Arithmetic | None = None
    rounds: list[Seconds] = field(default_factory=list)
    peak_mb: float | None = None
    account: dict[str, float] | None = None  # see account()
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

    def values(self, first: Row) -> dict[str, Any]:
        """Return all values by name; ``first`` is the row to compare with."""
        to_ms = 1000 / self.combination.pairs
        ms = [to_ms * seconds.total for seconds in self.rounds]
        time = Spread.of(ms)
        in_turn = list(zip(self.rounds, first.rounds))
        return dict(
            estimator=self.estimator,
            **vars(self.combination),
            random_weights=self.random_weights,
            settings=self.settings,
            params_m=self.parameters / 1e6,
            gmac=self.macs and sum(self.macs) / 1e9,
            gmac_elementwise=self.macs and self.macs.elementwise / 1e9,
            gmac_clip=self.clip_macs and sum(self.clip_macs) / 1e9,
            arithmetic=self.arithmetic and ', '.join(self.arithmetic),
            ms_per_pair=time,
            cpu_ms_per_pair=time and to_ms * median(
                seconds.cpu for seconds in self.rounds),
            ms_per_pair_flow=time and to_ms * median(
                seconds.flow for seconds in self.rounds),
            fps=time and 1000 / time.median,
            # Within a round, since what slows a machine outlasts one.
            ratio=Spread.of(
                mine.total / other.total for mine, other in in_turn),
            ratio_flow=Spread.of(
                mine.flow / other.flow for mine, other in in_turn),
            peak_mb=self.peak_mb,
            ms_per_pair_rounds=ms,
            account=self.account,
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
                 runs: Sequence[Callable[[], Seconds] | None],
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
        gmac_clip='the same in a clip of that length, whose pairs share the '
        'features of their frames',
        arithmetic='precision and layout of the convolutions that ran; - for '
        'solvers, which have none',
        ms_per_pair=f'time of a batch from 8-bit RGB in memory to {end}, '
        'divided by its pairs, of which a clip has one less than frames; '
        f'median, fastest and slowest of {settings.repeats} rounds after '
        f'{settings.warmup} of warm-up',
        cpu_ms_per_pair='CPU time of all threads in the same; median',
        fps='1000 / ms_per_pair: a video brings one new pair with each frame',
        ratio=f'time over that of {settings.estimators[0]} in the same round; '
        'median, lowest and highest',
        ms_per_pair_flow='the part of the time that the flow takes, from '
        'frames in [0, 1] on the device; median',
        ratio_flow='ratio of these parts',
        peak_mb='memory of one run above that of model and frames, in 2**20 '
        'bytes: on the CPU resident memory of a new process, with what '
        'libraries set up at first use; on a GPU what PyTorch holds')


def to_text(rows: Sequence[Mapping[str, Any]],
            settings: BenchmarkSettings) -> str:
    """Return a table per combination, then settings and definitions."""
    parts = []
    group_key = itemgetter(*(part.name for part in fields(Combination)))
    for group, block in groupby(rows, group_key):
        table, random, gaps, accounts = Table(_COLUMNS), {}, [], []
        for row in block:
            table.add(**{column.key: row[column.key] for column in _COLUMNS})
            name = row['estimator']
            if row['random_weights']:
                random[name] = None
            if row['account']:
                accounts.append(_account_lines(name, row['account']))
            if row['failure']:
                gaps.append(f'no times of {name}: {row["failure"]}')
        lines = [Combination(*group).title, table.to_text()]
        if random:
            lines.append(f'random weights: {", ".join(random)}')
        parts.append([*lines, *gaps])
        parts += accounts
    parts.append(
        dict.fromkeys(f'{row["estimator"]}: {row["settings"]}' for row in rows
                      if row['settings']))
    parts.append(
        fill(f'{key}: {text}', 79, subsequent_indent='  ')
        for key, text in definitions(settings).items())
    return '\n\n'.join('\n'.join(part) for part in parts if part)


def _account_lines(name: str, account: Mapping[str, float]) -> list[str]:
    whole = sum(account.values())
    table = Table([
        Column('operation', f'operations of {name}'),
        Column('ms', 'ms/pair', '.2f'),
        Column('share', 'share, %', '.0f', scale=100)
    ])
    for operation, ms in account.items():
        table.add(operation=operation, ms=ms, share=ms / whole)
    return table.to_text().splitlines()


def to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Split each spread into its median, ``KEY_min`` and ``KEY_max``."""
    flat = dict(row)
    for key in ('ms_per_pair', 'ratio', 'ratio_flow'):
        spread: Spread | None = row[key]
        flat[key] = spread and spread.median
        flat[f'{key}_min'] = spread and spread.min
        flat[f'{key}_max'] = spread and spread.max
    return flat
