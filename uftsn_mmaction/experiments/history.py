# SPDX-License-Identifier: Apache-2.0
"""Losses and metrics of a training, read from the logs of MMEngine."""
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

Record = dict[str, float]


@dataclass(frozen=True)
class History:
    """The log of a training, and of tests in the same folder.

    Attributes:
        steps: Scalars of training steps by number of the step, from 1.
        validations: Metrics by epoch, or by iteration where the training
            counts those.
        test: Metrics of the last test.
    """
    steps: dict[int, Record] = field(default_factory=dict)
    validations: dict[int, Record] = field(default_factory=dict)
    test: Record = field(default_factory=dict)

    @property
    def epoch_length(self) -> float:
        """Number of steps of an epoch, 1 if the training counts steps."""
        # The last step of an epoch is always logged.
        return max((step / record['epoch'] for step, record
                    in self.steps.items() if record.get('epoch', 0) > 0),
                   default=1)

    @property
    def unit(self) -> str:
        """Unit in which validations are counted."""
        by_epoch = any('epoch' in record for record in self.steps.values())
        return 'epoch' if by_epoch or not self.steps else 'iteration'

    def progress(self, step: int) -> float:
        """Return a step in the unit of the validations."""
        return step / self.epoch_length


def read_history(work_dir: Path) -> History:
    """Read all that was logged in a work dir.

    Where a resumed run repeats a step or an epoch, the later one counts.
    Anything that is no number is left out.
    """
    steps, validations, test = {}, {}, {}
    # Each start of a run has a folder named after its time.
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for record in _records(path):
            # Only a training step has an iteration.
            if 'iter' in record:
                steps[int(record['iter'])] = record
            elif 'step' in record:
                validations[int(record.pop('step'))] = record
    for path in sorted(work_dir.glob('*/*.json')):
        # A test has one record, in a file named after its start.
        if path.stem == path.parent.name:
            test = next(_records(path), test)
    return History(dict(sorted(steps.items())),
                   dict(sorted(validations.items())), test)


def _records(path: Path) -> Iterator[Record]:
    """Yield the numbers of each line."""
    text = path.read_text(encoding='utf-8', errors='replace')
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            # A kill can leave half a line.
            continue
        if isinstance(record, dict):
            yield {
                name: value for name, value in record.items()
                if type(value) in (int, float) and isfinite(value)
                and abs(value) < 1e18}
