# SPDX-License-Identifier: Apache-2.0
"""The validation metrics of a run, read from its log."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def read_history(work_dir: Path) -> dict[int, dict[str, float]]:
    """Validation metrics by epoch (from 1).

    They come from the files that ``LocalVisBackend`` writes, one JSON object
    a line. Each start of a run has its own file; where a resumed run repeats
    an epoch, the later one counts.

    Args:
        work_dir: Folder of the run.

    Returns:
        Epoch to metrics, in order of the epochs.
    """
    history = {}
    # The folders are named after the time, so that they sort by it.
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                # A kill can leave half a line.
                continue
            # A training step tells its iteration, a validation does not.
            if 'iter' not in record:
                history[record.pop('step')] = record
    return dict(sorted(history.items()))


def last_validation(history: Mapping[int, Mapping[str, float]],
                    epochs: Sequence[int]) -> tuple[int, Mapping[str, float]]:
    """The last of some epochs that has a validation, and its metrics.

    Raises:
        ValueError: None of them has one.
    """
    known = [epoch for epoch in epochs if epoch in history]
    if not known:
        raise ValueError(
            f'The log of the training has validations after the epochs '
            f'{list(history)}, but none after {list(epochs)}; train anew '
            'with --restart')
    return known[-1], history[known[-1]]
