# SPDX-License-Identifier: Apache-2.0
"""The repository's tools as child processes of a longer run."""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ..fileio.output_path import check_output_folder
from .process import run_process, thread_env


@dataclass(frozen=True)
class RunSettings:
    """How the tools are run.

    Attributes:
        tools_dir: Folder of ``train.py`` and ``test.py``.
        work_dir: Folder of everything that is written.
        gpus: GPUs of each run; 0 for the CPU.
        threads: Threads of each process; None leaves the environment alone.
        test_only: Whether training is forbidden.

    Raises:
        NotADirectoryError: If ``work_dir`` is a file, or below one.
        ValueError: If ``gpus`` is negative or ``threads`` is below 1.
    """
    tools_dir: Path
    work_dir: Path
    gpus: int = 1
    threads: int | None = None
    test_only: bool = False

    def __post_init__(self) -> None:
        check_output_folder(self.work_dir, '--work-dir')
        if self.gpus < 0:
            raise ValueError(f'gpus must be 0 (CPU) or more, got {self.gpus}; '
                             'leave --gpus out for one')
        if self.threads is not None and self.threads < 1:
            raise ValueError(
                f'threads must be 1 or more, got {self.threads}; leave '
                '--threads out for the default')

    def run(self, tool: str, *arguments: str | Path) -> int:
        """Run a tool as a user would, and return its exit status."""
        command = [sys.executable]
        if self.gpus > 1:
            command += [
                '-m', 'torch.distributed.run', '--standalone',
                f'--nproc_per_node={self.gpus}'
            ]
        command += [str(self.tools_dir / f'{tool}.py'), *map(str, arguments)]
        if self.gpus > 1:
            command += ['--launcher', 'pytorch']
        env = {} if self.threads is None else thread_env(self.threads)
        if not self.gpus:
            env['CUDA_VISIBLE_DEVICES'] = '-1'
        return run_process(command, env)
