# SPDX-License-Identifier: Apache-2.0
"""The table of a data set's official splits."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Title of a row by the name of its scores in a score file.
ROWS = dict(
    spatial='spatial',
    temporal='temporal',
    fusion='fusion',
    fusion_prob='fusion of probabilities',
    fusion_score='fusion of class scores')


class SplitTable:
    """Accuracy of each stream and of the fusions on each split.

    Args:
        data_set: Name of the data set.
        splits: Splits asked for; the mean is one over all of them.
        rows: Names in :data:`ROWS`.
    """

    def __init__(self, data_set: str, splits: Sequence[int],
                 rows: Sequence[str]) -> None:
        self.data_set = data_set
        self.splits = tuple(splits)
        self.rows = tuple(rows)
        #: What went wrong, by split.
        self.failures: dict[int, str] = {}
        self._top1: dict[int, dict[str, float]] = {}
        self._videos: dict[int, int] = {}

    def add(self, split: int, top1: Mapping[str, float], videos: int) -> None:
        """Fill the column of a split.

        Args:
            split: Its number.
            top1: Accuracy of each row, from 0 to 1.
            videos: Number of test videos.

        Raises:
            ValueError: A row is missing, or another one is there.
        """
        if set(top1) != set(self.rows):
            raise ValueError(f'split {split} has accuracies of '
                             f'{sorted(top1)}, expected {sorted(self.rows)}')
        self._top1[split] = dict(top1)
        self._videos[split] = videos

    def fail(self, split: int, reason: str) -> None:
        """Leave a gap."""
        self.failures[split] = reason

    def row(self, name: str) -> list[float | None]:
        """Accuracies of a row in the order of the splits, then the mean.

        None is a gap; with one the row has no mean, as that of fewer splits
        is another number.
        """
        values = [self._top1.get(split, {}).get(name) for split in self.splits]
        complete = None not in values
        return [*values, sum(values) / len(values) if complete else None]

    def to_text(self) -> str:
        """Table for the screen, in percent."""
        width = max(len(ROWS[name]) for name in self.rows)
        heads = [*(f'split {split}' for split in self.splits), 'mean']
        lines = [
            f'{self.data_set}, top-1 in percent',
            ' ' * width + ''.join(f'{head:>10}' for head in heads)
        ]
        for name in self.rows:
            cells = [
                '-' if value is None else f'{100 * value:.2f}'
                for value in self.row(name)
            ]
            lines.append(f'{ROWS[name]:<{width}}' +
                         ''.join(f'{cell:>10}' for cell in cells))
        return '\n'.join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Content for a JSON file; accuracies are from 0 to 1, gaps None."""
        columns = [*map(str, self.splits), 'mean']
        return dict(
            data_set=self.data_set,
            top1={
                name: dict(zip(columns, self.row(name)))
                for name in self.rows
            },
            videos={
                str(split): self._videos.get(split)
                for split in self.splits
            },
            failures={
                str(split): reason
                for split, reason in self.failures.items()
            })
