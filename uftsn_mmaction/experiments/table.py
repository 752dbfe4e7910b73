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

    Attributes:
        mean: Arithmetic mean.
        std: Sample standard deviation (n - 1); None for a single value.
        median: Median.
        min: Smallest value.
        max: Largest value.
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
            The summary; None if there is no value, or if one is None or not
            finite, since statistics of the others would be of fewer
            repetitions than the table claims.

        Examples:
            >>> Spread.of([1, 2, 6])
            Spread(mean=3, std=2.6457513110645907, median=2, min=1, max=6)
            >>> Spread.of([1, None]) is None
            True
        """
        values = list(values)
        if not values or not all(
                value is not None and isfinite(value) for value in values):
            return None
        return cls(
            mean(values),
            stdev(values) if len(values) > 1 else None, median(values),
            min(values), max(values))


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: Key of its values in the rows.
        head: Heading, with the unit.
        spec: Format of a number, such as ``'.3f'``.
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

        Examples:
            >>> column = Column('acc', 'accuracy, %', '.1f', scale=100)
            >>> column.cell(0.8)
            '80.0'
            >>> column.cell(Spread.of([0.7, 0.9]))
            '80.0 ± 14.1 (70.0 to 90.0)'
            >>> column.cell(None)
            '-'
        """
        if value is None:
            return _GAP
        if isinstance(value, str):
            return value
        if not isinstance(value, Spread):
            return format(self.scale * value, self.spec)
        center = self.cell(getattr(value, self.center))
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

    Examples:
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
            ValueError: If a key is that of no column.
        """
        unknown = sorted({*values} - {column.key for column in self.columns})
        if unknown:
            raise ValueError(
                f'row has values for {unknown}, expected some of '
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
        return self._render('plain', [self.heads, *self.cells()])

    def to_markdown(self) -> str:
        """Return the table in the Markdown of GitHub."""
        # A bar would begin a column.
        return self._render('pipe', [[cell.replace('|', r'\|') for cell in row]
                                     for row in (self.heads, *self.cells())])

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rows for a JSON file, unscaled; a gap is None."""
        return [{
            column.key: json_value(row.get(column.key))
            for column in self.columns
        } for row in self.rows]

    def _render(self, style: str, lines: Sequence[Sequence[str]]) -> str:
        return tabulate(
            lines[1:],
            lines[0],
            style,
            disable_numparse=True,
            colalign=['left'] + ['right'] * (len(self.columns) - 1))


def json_value(value: Any) -> Any:
    """Return a value as JSON has it.

    Args:
        value: Number, string, None or :class:`Spread`, or mappings of them.

    Returns:
        The same with a dict for a spread, and None for a number that is not
        finite, which JSON does not have.

    Examples:
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
