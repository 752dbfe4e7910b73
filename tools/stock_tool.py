# SPDX-License-Identifier: Apache-2.0
"""MMAction2's own scripts, and checks that train.py and test.py share."""
from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import mmaction
from mmengine import device

#: A variable that each launcher of MMEngine reads, and a program that sets it.
LAUNCHERS = dict(
    pytorch=('RANK', 'torchrun'),
    slurm=('SLURM_PROCID', 'srun'),
    mpi=('OMPI_COMM_WORLD_RANK', 'mpirun'))


def load_stock_tool(name: str) -> ModuleType:
    """Import ``tools/{name}.py`` of the installed MMAction2."""
    root = Path(mmaction.__file__).parent
    # A wheel has them in .mim, a checkout beside the package.
    for path in (root / '.mim' / 'tools' / f'{name}.py',
                 root.parent / 'tools' / f'{name}.py'):
        if path.exists():
            spec = importlib.util.spec_from_file_location(
                f'mmaction_tools_{name}', path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise FileNotFoundError(
        f'The installed MMAction2 in {root} has no tools/{name}.py; install '
        'it again with `pip install mmaction2==1.2.0`')


def has_accelerator() -> bool:
    """Return whether mixed precision and MMEngine's launchers can run here."""
    return device.get_device() in ('cuda', 'npu', 'mlu', 'musa')


def check_launcher(launcher: str) -> None:
    """Check that the launcher started this process and can use a GPU."""
    if launcher == 'none':
        return
    variable, program = LAUNCHERS[launcher]
    if variable not in os.environ:
        raise ValueError(
            f'--launcher {launcher} reads the environment variable '
            f'{variable}, which is not set; start this tool with {program}, '
            'or leave --launcher out')
    if not has_accelerator():
        raise ValueError(f'--launcher {launcher} needs a GPU for each '
                         'process, and this machine has none; leave it out')
