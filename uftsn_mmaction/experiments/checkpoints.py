# SPDX-License-Identifier: Apache-2.0
"""How far a training has come, told by its checkpoints."""
from __future__ import annotations

from pathlib import Path


class TrainingError(RuntimeError):
    """The trainer did not get to the end."""


def checkpoint_file(work_dir: Path, epoch: int) -> Path:
    """Checkpoint after an epoch (from 1), as ``CheckpointHook`` names it."""
    return work_dir / f'epoch_{epoch}.pth'


def latest_epoch(work_dir: Path) -> int:
    """Epochs a run has behind it, 0 if there is no checkpoint yet."""
    epochs = [
        int(path.stem.partition('_')[2])
        for path in work_dir.glob('epoch_*.pth')
    ]
    return max(epochs, default=0)


def require_checkpoint(work_dir: Path, epoch: int, status: int) -> Path:
    """The last checkpoint of a training that has ended.

    Args:
        work_dir: Folder of the training.
        epoch: Its last epoch.
        status: Exit status of the trainer.

    Raises:
        TrainingError: The trainer failed, or left no such checkpoint.
    """
    checkpoint = checkpoint_file(work_dir, epoch)
    if status or not checkpoint.exists():
        raise TrainingError(
            f'The training in {work_dir} ended with exit status {status} and '
            f'{"with" if checkpoint.exists() else "without"} '
            f'{checkpoint.name}; its last lines tell why, and the same '
            'command goes on from the last checkpoint')
    return checkpoint
