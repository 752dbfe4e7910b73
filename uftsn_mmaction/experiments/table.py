# SPDX-License-Identifier: Apache-2.0
"""The one table of all experiments: screen, Markdown and JSON."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from statistics import mean, median, stdev
from typing import Any

from tabulate import tabulate

_GAP = '-'


@dataclass(frozen=True)
class Spread:
    """Centre and spread of a value over repetitions, such as seeds.

    ``std`` is the sample standard deviation (n - 1), None for one value.
    """
    mean: float
    std: float | None
    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Summarize one value per repetition.

        Returns:
            The summary; None without a value, or if one is None or not
            finite: statistics of the others would be of fewer repetitions
            than the table claims.

        >>> Spread.of([1, 2, 6])
        Spread(mean=3, std=2.6457513110645907, median=2, min=1, max=6)
        >>> Spread.of([1, None]) is None
        True
        """
        values = list(values)
        if not values or not all(
                value is not None and isfinite(value) for value in values):
            return None
        std = stdev(values) if len(values) > 1 else None
        return cls(
            mean(values), std, median(values), min(values), max(values))


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: Key of its values in the rows.
        head: Heading, with the unit.
        spec: Format of a number.
        scale: Factor from the value to the unit of the heading: 100 for a
            fraction that is shown in percent.
        center: Statistic of a :class:`Spread` to show, ``'mean'`` or
            ``'median'``.
    """
    key: str
    head: str
    spec: str = '.3f'
    scale: float = 1
    center: str = 'mean'

    def cell(self, value: float | str | Spread | None) -> str:
        """Format a value.

        A spread reads ``mean ± std (min to max)`` or ``median (min to max)``,
        and is a number alone where all repetitions agree.

        >>> column = Column('acc', 'accuracy, %', '.1f', scale=100)
        >>> column.cell(Spread.of([0.7, 0.9])), column.cell(None)
        ('80.0 ± 14.1 (70.0 to 90.0)', '-')
        """
        if value is None or isinstance(value, str):
            return value or _GAP
        if not isinstance(value, Spread):
            return format(self.scale * value, self.spec)
        center = self.cell(asdict(value)[self.center])
        if value.min == value.max:
            return center
        std = f' ± {self.cell(value.std)}' if self.center == 'mean' else ''
        return (f'{center}{std} '
                f'({self.cell(value.min)} to {self.cell(value.max)})')


class Table:
    """Rows of values under headings.

    Args:
        columns: Columns from left to right. The first one names the rows and
            is aligned to the left, the others to the right.

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
        """Append a row of values by column key; a missing one is a gap.

        Raises:
            ValueError: If there is no column of a key.
        """
        unknown = sorted({*values} - {column.key for column in self.columns})
        if unknown:
            raise ValueError(f'no column for {unknown}, expected some of '
                             f'{[column.key for column in self.columns]}')
        self.rows.append(values)

    @property
    def heads(self) -> list[str]:
        """Headings from left to right."""
        return [column.head for column in self.columns]

    def cells(self) -> list[list[str]]:
        """Return the formatted cells, row by row."""
        return [[column.cell(row.get(column.key)) for column in self.columns]
                for row in self.rows]

    def to_text(self) -> str:
        """Return the table for a terminal."""
        return self._render('plain', self.cells())

    def to_markdown(self) -> str:
        """Return the table in the Markdown of GitHub."""
        # A bar in a cell would begin a column.
        return self._render('pipe', [[cell.replace('|', r'\|') for cell in row]
                                     for row in self.cells()])

    def _render(self, style: str, cells: Sequence[Sequence[str]]) -> str:
        align = ['left'] + ['right'] * (len(self.columns) - 1)
        return tabulate(
            cells, self.heads, style, disable_numparse=True, colalign=align)


def json_value(value: Any) -> Any:
    """Return a number, string, spread or mapping of them as JSON has it.

    A spread becomes a dict; a number that is not finite becomes None.

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
