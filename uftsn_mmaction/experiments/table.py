# SPDX-License-Identifier: Apache-2.0
"""The one table of all experiments: screen, Markdown and JSON."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from statistics import mean, median, stdev
from typing import Any

from tabulate import tabulate


@dataclass(frozen=True)
class Spread:
    """Centre and spread over repetitions, such as seeds."""
    mean: float
    std: float | None  # of the sample, None for one value
    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Summarize one value per repetition; None if one is missing.

        Statistics of the others would be of fewer than the table claims.

        >>> Spread.of([1, 2, 6])
        Spread(mean=3, std=2.6457513110645907, median=2, min=1, max=6)
        >>> Spread.of([1, None]) is None
        True
        """
        values = list(values)
        if not values or None in values or not all(map(isfinite, values)):
            return None
        std = stdev(values) if len(values) > 1 else None
        return cls(mean(values), std, median(values), min(values), max(values))


@dataclass(frozen=True)
class Column:
    """A column: key of its values, heading with the unit, and format."""
    key: str
    head: str
    spec: str = '.3f'
    scale: float = 1  # to the unit of the heading
    center: str = 'mean'  # of a spread, or 'median'

    def cell(self, value: float | str | Spread | None) -> str:
        """Format a value; a spread is one number where all values agree.

        >>> column = Column('acc', 'accuracy, %', '.1f', scale=100)
        >>> column.cell(Spread.of([0.7, 0.9])), column.cell(None)
        ('80.0 ± 14.1 (70.0 to 90.0)', '-')
        """
        if value is None or isinstance(value, str):
            return value or '-'
        if not isinstance(value, Spread):
            return format(self.scale * value, self.spec)
        center = self.cell(asdict(value)[self.center])
        if value.min == value.max:
            return center
        std = f' ± {self.cell(value.std)}' if self.center == 'mean' else ''
        return (f'{center}{std} '
                f'({self.cell(value.min)} to {self.cell(value.max)})')


class Table:
    """Rows of values under headings; the first column names the rows.

    >>> table = Table([Column('name', 'flow'), Column('aepe', 'AEPE, px')])
    >>> table.add(name='dis', aepe=0.43)
    >>> table.add(name='tvl1')
    >>> print(table.to_text())
    flow      AEPE, px
    dis          0.430
    tvl1             -
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.rows: list[Mapping[str, Any]] = []

    def add(self, **values: float | str | Spread | None) -> None:
        """Append a row of values by column key; a missing one is a gap."""
        unknown = sorted({*values} - {column.key for column in self.columns})
        if unknown:
            raise ValueError(f'no column for {unknown}, expected some of '
                             f'{[column.key for column in self.columns]}')
        self.rows.append(values)

    def to_text(self, style: str = 'plain', bar: str = '|') -> str:
        """Return the table for a terminal, or in a style of tabulate."""
        cells = [[column.cell(row.get(column.key)).replace('|', bar)
                  for column in self.columns] for row in self.rows]
        heads = [column.head for column in self.columns]
        align = ['left'] + ['right'] * (len(heads) - 1)
        # Some releases of tabulate cannot align columns without rows.
        return tabulate(cells, heads, style, disable_numparse=True,
                        colalign=align if cells else None)

    def to_markdown(self) -> str:
        """Return the table in the Markdown of GitHub."""
        # A bar in a cell would begin a column.
        return self.to_text('pipe', r'\|')


class Grid:
    """Metrics of several runs by any key, such as a split; some have failed.

    ``failures`` has the reasons. What a failed run would have is a gap, None.
    """

    def __init__(self) -> None:
        self.failures: dict[Any, str] = {}
        self.metrics: dict[Any, Mapping[str, float]] = {}

    def fail(self, run: Any, reason: str) -> None:
        """Note why a run has no metrics."""
        self.failures[run] = reason

    def values(self, runs: Iterable[Any], metric: str) -> list[float | None]:
        """Return a metric of several runs."""
        return [self.metrics.get(run, {}).get(metric) for run in runs]


def json_value(value: Any) -> Any:
    """Return a value for JSON: a spread as a dict, NaN and infinity as None.

    >>> json_value({'AEPE': float('nan'), 'Fl_all': 0.5})
    {'AEPE': None, 'Fl_all': 0.5}
    """
    if isinstance(value, Spread):
        return asdict(value)
    if isinstance(value, Mapping):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
