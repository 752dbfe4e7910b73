# SPDX-License-Identifier: Apache-2.0
"""The repository's tools as child processes."""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from ..fileio.paths import check_output_folder
from .process import run_process


@dataclass(frozen=True)
class RunSettings:
    """How the tools in ``tools_dir`` are run."""
    tools_dir: Path
    work_dir: Path  # gets everything that is written
    gpus: int = 1  # of each run, 0 for the CPU
    threads: int | None = None  # None leaves the environment alone
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
        launcher, option = [], []
        if self.gpus > 1:
            launcher = ['-m', 'torch.distributed.run', '--standalone',
                        f'--nproc_per_node={self.gpus}']
            option = ['--launcher', 'pytorch']
        env = {}
        if self.threads is not None:
            env['OMP_NUM_THREADS'] = str(self.threads)
        if not self.gpus:
            env['CUDA_VISIBLE_DEVICES'] = '-1'
        return run_process([
            sys.executable, *launcher,
            str(self.tools_dir / f'{tool}.py'), *map(str, arguments), *option
        ], env)
