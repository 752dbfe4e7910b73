# SPDX-License-Identifier: Apache-2.0
"""Training with the stock trainer of MMAction2, as a user would start it."""
from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import require_checkpoint
from ..process import run_process, thread_env


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
    return require_checkpoint(work_dir, max_epochs, status)
