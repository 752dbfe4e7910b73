# SPDX-License-Identifier: Apache-2.0
"""MMAction2's own scripts, and checks that train.py and test.py share."""
from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import mmaction
from mmaction.registry import RUNNERS
from mmengine import device
from mmengine.config import Config
from mmengine.runner import Runner
from torch import distributed

# A variable that each launcher of MMEngine reads, and a program that sets it.
_LAUNCHERS = dict(
    pytorch=('RANK', 'torchrun'),
    slurm=('SLURM_PROCID', 'srun'),
    mpi=('OMPI_COMM_WORLD_RANK', 'mpirun'))


@contextmanager
def faults_of_a_config() -> Iterator[None]:
    """Tell arguments that a config got wrong from a fault of the program.

    Raises:
        ValueError: In place of the ``TypeError`` of a registry, which names
            the class that does not take the arguments.
    """
    try:
        yield
    except TypeError as error:
        if '__init__() ' not in str(error):
            raise
        raise ValueError(error) from error


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
    """Return whether MMEngine's mixed precision and launchers can run here."""
    return device.get_device() in ('cuda', 'npu', 'mlu', 'musa')


def check_launcher(launcher: str) -> None:
    """Check that the launcher started this process and can be used here."""
    if launcher == 'none':
        return
    variable, program = _LAUNCHERS[launcher]
    if variable not in os.environ:
        raise ValueError(
            f'--launcher {launcher} reads the environment variable '
            f'{variable}, which is not set; start this tool with {program}, '
            'or leave --launcher out')
    if launcher == 'mpi' and not has_accelerator():
        raise ValueError(
            '--launcher mpi needs a GPU for each process, and this machine '
            'has none; use torchrun and --launcher pytorch')


def run_of(cfg: Config) -> Runner:
    """Build the runner of a config, of whatever kind it is."""
    return (RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg)(cfg)


def join_on_cpu(cfg: Config, launcher: str) -> dict[str, Any]:
    """Let processes without a GPU work together, before a runner is built.

    MMEngine asks for a GPU, whatever backend a config sets.

    Returns:
        Settings that the config needs for it, none where there are GPUs.
    """
    if launcher == 'none' or has_accelerator():
        return {}
    if not distributed.is_initialized():
        if launcher == 'slurm':
            _tell_torch_of_slurm()
        distributed.init_process_group('gloo')
    wrapper = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    wrapper.update(cfg.get('model_wrapper_cfg') or {}, device_ids=None)
    return {f'model_wrapper_cfg.{key}': wrapper[key] for key in wrapper}


def _tell_torch_of_slurm() -> None:
    """Set what torch reads from what srun set, as MMEngine does for GPUs.

    Raises:
        ValueError: If nobody says where the first of several nodes is.
    """
    env = os.environ
    if int(env.get('SLURM_NNODES', 1)) == 1:
        env.setdefault('MASTER_ADDR', '127.0.0.1')
    elif 'MASTER_ADDR' not in env:
        raise ValueError(
            'MASTER_ADDR is not set, but Slurm runs several nodes; put this '
            'into the batch script: export MASTER_ADDR=$(scontrol show '
            'hostnames $SLURM_JOB_NODELIST | head -n 1)')
    env.setdefault('MASTER_PORT', '29500')
    env.update(RANK=env['SLURM_PROCID'], WORLD_SIZE=env['SLURM_NTASKS'],
               LOCAL_RANK=env.get('SLURM_LOCALID', '0'))
