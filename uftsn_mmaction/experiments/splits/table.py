# SPDX-License-Identifier: Apache-2.0
"""Accuracies on a data set's official splits, and their mean."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..table import Column, Spread, Table

#: Title of a row by the name of its scores in a score file.
ROWS = dict(
    spatial='spatial',
    temporal='temporal',
    fusion='fusion',
    fusion_prob='fusion of probabilities',
    fusion_score='fusion of class scores')


class SplitTable:
    """Top-1 accuracy of each stream and fusion on each split.

    Args:
        data_set: Name of the data set.
        splits: Splits asked for; the mean is over all of them.
        rows: Names in :data:`ROWS`.
    """

    def __init__(self, data_set: str, splits: Sequence[int],
                 rows: Sequence[str]) -> None:
        self.data_set = data_set
        self.splits = tuple(splits)
        self.rows = tuple(rows)
        #: Reason of the failure by split.
        self.failures: dict[int, str] = {}
        self._top1: dict[int, Mapping[str, float]] = {}
        self._videos: dict[int, int] = {}

    def add(self, split: int, top1: Mapping[str, float], videos: int) -> None:
        """Fill the column of a split.

        Args:
            split: Number of the split.
            top1: Accuracy of each row, from 0 to 1.
            videos: Number of test videos.

        Raises:
            ValueError: If the rows are not those of the table.
        """
        if set(top1) != set(self.rows):
            raise ValueError(f'split {split} has accuracies of '
                             f'{sorted(top1)}, expected {sorted(self.rows)}')
        self._top1[split] = dict(top1)
        self._videos[split] = videos

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
            for split in self.splits
        }
        spread = Spread.of(values.values())
        return dict(values, mean=spread and spread.mean)

    def to_text(self) -> str:
        """Return the table for a terminal, in percent."""
        table = Table([
            Column('name', f'{self.data_set}, top-1 in percent'),
            *(Column(str(split), f'split {split}', '.2f', scale=100)
              for split in self.splits),
            Column('mean', 'mean', '.2f', scale=100)
        ])
        for name in self.rows:
            table.add(name=ROWS[name], **self.row(name))
        return table.to_text()

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a JSON file: accuracies from 0 to 1."""
        return dict(
            data_set=self.data_set,
            top1={name: self.row(name)
                  for name in self.rows},
            videos={
                str(split): self._videos.get(split)
                for split in self.splits
            },
            failures={
                str(split): reason
                for split, reason in self.failures.items()
            })
