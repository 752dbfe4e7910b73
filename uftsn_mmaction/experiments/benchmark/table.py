# SPDX-License-Identifier: Apache-2.0
"""The rows of a benchmark as a table, with what its columns mean."""
from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from .row import Row
from .settings import BenchmarkSettings

_GAP = '-'
_HEADS = ('', 'params M', 'GMAC', 'ms/pair', '(min..max)', 'flow', 'fps',
          'ratio', '(min..max)', 'peak MB')


def definitions(settings: BenchmarkSettings) -> dict[str, str]:
    """What each column means, by its key in the rows."""
    end = ('its predictions' if settings.classifier else
           'its flow, as there is no classifier')
    return dict(
        params_m='parameters of the motion estimation only, in millions',
        gmac='multiply-accumulates of the motion estimation for one pair of '
        'frames alone, in 10**9: convolutions, matrix products, and products, '
        'quotients and powers element by element (the cost volume is made of '
        'them); not those of warps, resizing and activations; - for solvers '
        'of OpenCV',
        ms_per_pair=f'time of a batch from 8-bit RGB in memory to {end}, '
        f'divided by its pairs: a clip of {settings.clip_len} frames has '
        f'{settings.pairs}; median, fastest and slowest of '
        f'{settings.repeats} rounds after {settings.warmup} of warm-up',
        ms_per_pair_flow='the part of that time that the flow takes, from '
        'frames in [0, 1] on the device',
        fps='1000 / ms_per_pair: a video brings one new pair with each frame',
        ratio=f'time over that of {settings.estimators[0]} in the same round; '
        'median, lowest and highest',
        peak_mb='memory of one run above that of model and frames, in 2**20 '
        'bytes: on the CPU resident memory of a new process, what libraries '
        'set up at first use included; on a GPU what PyTorch holds')


def to_text(rows: Sequence[Row]) -> str:
    """Table for the screen: a block for each combination, then settings."""
    blocks = {}
    for row in rows:
        blocks.setdefault(row.combination, []).append(row)
    width = max(len(row.estimator) for row in rows)
    tables = [
        '\n'.join([
            combination.title,
            _line(_HEADS, width), *(_line(_cells(row), width)
                                    for row in block), *_notes(block)
        ]) for combination, block in blocks.items()
    ]
    settings = [
        f'{name}: {settings}' for name, settings in dict.fromkeys(
            (row.estimator, row.settings) for row in rows) if settings
    ]
    return '\n\n'.join([*tables, *(['\n'.join(settings)] * bool(settings))])


def to_legend(meanings: dict[str, str]) -> str:
    """Result of :func:`definitions` for the screen."""
    return '\n'.join(
        fill(f'{key}: {text}', 79, subsequent_indent='  ')
        for key, text in meanings.items())


def machine_line(machine: dict[str, Any]) -> str:
    """Versions, processors and threads for the screen.

    Args:
        machine: Result of ``describe_machine``.
    """
    versions = ', '.join(f'{name} {version}'
                         for name, version in machine['versions'].items()
                         if version is not None)
    threads = ', '.join(f'{name} {count}'
                        for name, count in machine['threads_in_use'].items())
    gpus = ''.join(f'; {device}: {name}'
                   for device, name in machine['gpus'].items())
    return (f'{machine["cpu"]}, {machine["cpu_count"]} cores{gpus}\n'
            f'threads: {threads}\n{versions}')


def _cells(row: Row) -> tuple[str, ...]:
    return (row.estimator, f'{row.params_m:.3g}', _number(row.gmac, '.3g'),
            _number(row.ms_per_pair, '.2f'),
            _spread(row.ms_per_pair_min, row.ms_per_pair_max),
            _number(row.ms_per_pair_flow, '.2f'), _number(row.fps, '.1f'),
            _number(row.ratio, '.2f'), _spread(row.ratio_min, row.ratio_max),
            _number(row.peak_mb, '.0f'))


def _number(value: float | None, digits: str) -> str:
    return _GAP if value is None else format(value, digits)


def _spread(low: float | None, high: float | None) -> str:
    return '' if low is None else f'({low:.2f}..{high:.2f})'


def _line(cells: Sequence[str], width: int) -> str:
    name, *numbers = cells
    widths = (9, 6, 9, 18, 8, 8, 6, 15, 8)
    return f'{name:<{width}}' + ''.join(
        f' {number:>{space}}' for number, space in zip(numbers, widths))


def _notes(block: Sequence[Row]) -> list[str]:
    random = dict.fromkeys(
        row.estimator for row in block if row.random_weights)
    notes = [f'random weights: {", ".join(random)}'] if random else []
    return notes + [
        f'no times of {row.estimator}: {row.failure}' for row in block
        if row.failure
    ]
