# SPDX-License-Identifier: Apache-2.0
"""Validation metrics of a run, read from its log."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def read_history(work_dir: Path) -> dict[int, dict[str, float]]:
    """Read the validation metrics by epoch (from 1), in order.

    ``LocalVisBackend`` writes one JSON object per line, and one file per
    start of a run. Where a resumed run repeats an epoch, the later one
    counts.

    Args:
        work_dir: Folder of the run.
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
            # Only a training step has an iteration.
            if 'iter' not in record:
                history[record.pop('step')] = record
    return dict(sorted(history.items()))


def last_validation(history: Mapping[int, Mapping[str, float]],
                    epochs: Sequence[int]) -> tuple[int, Mapping[str, float]]:
    """Return the last of some epochs with a validation, and its metrics.

    Raises:
        ValueError: If none of them has one.
    """
    known = [epoch for epoch in epochs if epoch in history]
    if not known:
        raise ValueError(
            f'The training was validated after the epochs {list(history)}, '
            f'but not after any of {list(epochs)}; train anew with --restart')
    return known[-1], history[known[-1]]
