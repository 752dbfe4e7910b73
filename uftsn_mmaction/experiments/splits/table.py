# SPDX-License-Identifier: Apache-2.0
"""Accuracies on a data set's official splits, and their mean."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..table import Column, Spread, Table

#: Title of a row by the name of its scores in a score file.
ROWS = dict(
    spatial='spatial',
    temporal='temporal',
    fusion='fusion',
    fusion_prob='fusion of probabilities',
    fusion_score='fusion of class scores')


class SplitTable:
    """Top-1 accuracy, from 0 to 1, of each row on each split.

    ``rows`` are names in :data:`ROWS`. ``videos`` has the number of test
    videos by split, and ``failures`` the reason of each failure.
    """

    def __init__(self, data_set: str, splits: Sequence[int],
                 rows: Sequence[str]) -> None:
        self.data_set = data_set
        self.rows = tuple(rows)
        self.videos: dict[int, int | None] = dict.fromkeys(splits)
        self.failures: dict[int, str] = {}
        self._top1: dict[int, Mapping[str, float]] = {}

    def add(self, split: int, top1: Mapping[str, float], videos: int) -> None:
        """Fill the column of a split with the accuracies of all rows."""
        if set(top1) != set(self.rows):
            raise ValueError(f'split {split} has accuracies of '
                             f'{sorted(top1)}, expected {sorted(self.rows)}')
        self._top1[split] = top1
        self.videos[split] = videos

    def fail(self, split: int, reason: str) -> None:
        """Leave a gap."""
        self.failures[split] = reason

    def row(self, name: str) -> dict[str, float | None]:
        """Return the accuracies of a row by split, and their ``mean``.

        None is a gap. A row with a gap has no mean, since that of fewer
        splits is another number.
        """
        values = {
            str(split): self._top1.get(split, {}).get(name)
            for split in self.videos
        }
        spread = Spread.of(values.values())
        return dict(values, mean=spread and spread.mean)

    def to_text(self) -> str:
        """Return the table for a terminal, in percent."""
        heads = {str(split): f'split {split}' for split in self.videos}
        table = Table([
            Column('name', f'{self.data_set}, top-1 in percent'),
            *(Column(key, head, '.2f', scale=100)
              for key, head in dict(heads, mean='mean').items())
        ])
        for name in self.rows:
            table.add(name=ROWS[name], **self.row(name))
        return table.to_text()
