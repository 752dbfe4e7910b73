# SPDX-License-Identifier: Apache-2.0
"""Training with the stock trainer of MMAction2, as a user would start it."""
from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .process import run_process


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


def thread_env(threads: int) -> dict[str, str]:
    """Environment variables for a number of threads.

    Threads that wait for one another on a busy machine, and keep their core
    meanwhile, make the training tens of times slower; the passive policy
    lets them sleep.
    """
    return dict(
        OMP_NUM_THREADS=str(threads),
        OMP_WAIT_POLICY=os.environ.get('OMP_WAIT_POLICY', 'PASSIVE'))


def train(config_file: str | Path,
          work_dir: Path,
          max_epochs: int,
          threads: int,
          options: Sequence[str] = ()) -> Path:
    """Train with ``mim train mmaction``, or go on where a run has stopped.

    Args:
        config_file: Config to train.
        work_dir: Folder of its checkpoints and logs.
        max_epochs: Number of epochs of the config.
        threads: Number of threads of the trainer.
        options: ``key=value`` strings for ``--cfg-options``.

    Returns:
        The last checkpoint.

    Raises:
        ModuleNotFoundError: The command ``mim`` is not installed.
        TrainingError: The training failed.
    """
    if importlib.util.find_spec('mim') is None:
        raise ModuleNotFoundError(
            'The quickstart trains with the command mim, which is not '
            'installed; run `make setup` or `pip install ".[mim]"`')
    command = [
        sys.executable, '-m', 'mim', 'train', 'mmaction',
        str(config_file), '--gpus', '0', '--work-dir',
        str(work_dir), '--resume'
    ]
    if options:
        command += ['--cfg-options', *options]
    status = run_process(command, thread_env(threads))
    checkpoint = checkpoint_file(work_dir, max_epochs)
    if status or not checkpoint.exists():
        raise TrainingError(
            f'The training in {work_dir} ended with exit status {status} and '
            f'{"with" if checkpoint.exists() else "without"} '
            f'{checkpoint.name}; its last lines tell why, and the same '
            'command goes on from the last checkpoint')
    return checkpoint
