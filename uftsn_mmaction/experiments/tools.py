# SPDX-License-Identifier: Apache-2.0
"""The tools of the repository as child processes of a longer run."""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from .process import run_process


class IncompleteTestError(RuntimeError):
    """A test did not get to the end."""


@dataclass(frozen=True)
class RunSettings:
    """How configs are run.

    Attributes:
        tools_dir: Folder of ``train.py`` and ``test.py``.
        work_dir: Folder of all that is written; each config has a folder of
            its name there.
        gpus: GPUs of each run; 0 for the CPU.
        test_only: Whether nothing may be trained.
    """
    tools_dir: Path
    work_dir: Path
    gpus: int = 1
    test_only: bool = False

    def __post_init__(self) -> None:
        if self.gpus < 0:
            raise ValueError(f'gpus must be 0 (CPU) or more, got {self.gpus}; '
                             'leave --gpus out for one')

    def run(self, tool: str, *arguments: str | Path) -> int:
        """Run a tool as a user would; its exit status."""
        command = [sys.executable]
        if self.gpus > 1:
            command += [
                '-m', 'torch.distributed.run', '--standalone',
                f'--nproc_per_node={self.gpus}'
            ]
        command += [str(self.tools_dir / f'{tool}.py'), *map(str, arguments)]
        if self.gpus > 1:
            command += ['--launcher', 'pytorch']
        return run_process(
            command, None if self.gpus else dict(CUDA_VISIBLE_DEVICES='-1'))
