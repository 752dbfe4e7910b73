# SPDX-License-Identifier: Apache-2.0
"""MMAction2's own scripts, and checks that train.py and test.py share."""
from __future__ import annotations

import importlib.util
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import mmaction
from mmengine import device
from mmengine.config import Config, DictAction
from torch import distributed

#: A variable that each launcher of MMEngine reads, and a program that sets it.
LAUNCHERS = dict(
    pytorch=('RANK', 'torchrun'),
    slurm=('SLURM_PROCID', 'srun'),
    mpi=('OMPI_COMM_WORLD_RANK', 'mpirun'))


class Settings(DictAction):
    """Option ``KEY=VALUE``, which refuses a key without a value."""

    def __call__(self, parser: ArgumentParser, namespace: Any, values: list,
                 option_string: str | None = None) -> None:
        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} got {value!r}, expected '
                             'KEY=VALUE, such as train_cfg.max_epochs=5')
        super().__call__(parser, namespace, values, option_string)


@contextmanager
def user_errors() -> Iterator[None]:
    """End the program with one sentence where the user can mend the fault."""
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        text = str(error)
        # A registry names the class that does not take the arguments of a
        # config; any other TypeError is a fault of the program.
        if isinstance(error, TypeError) and '__init__() ' not in text:
            raise
        # A worker process sends a traceback; its last line is the message.
        if text.startswith('Caught '):
            text = text.strip().splitlines()[-1].partition(': ')[2]
        raise SystemExit(f'error: {text}') from None


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
            module.DictAction = Settings
            return module
    raise FileNotFoundError(
        f'The installed MMAction2 in {root} has no tools/{name}.py; install '
        'it again with `pip install mmaction2==1.2.0`')


def has_accelerator() -> bool:
    """Return whether mixed precision and MMEngine's launchers can run here."""
    return device.get_device() in ('cuda', 'npu', 'mlu', 'musa')


def check_launcher(launcher: str) -> None:
    """Check that the launcher started this process and can be used here."""
    if launcher == 'none':
        return
    variable, program = LAUNCHERS[launcher]
    if variable not in os.environ:
        raise ValueError(
            f'--launcher {launcher} reads the environment variable '
            f'{variable}, which is not set; start this tool with {program}, '
            'or leave --launcher out')
    if launcher != 'pytorch' and not has_accelerator():
        raise ValueError(
            f'--launcher {launcher} needs a GPU for each process, and this '
            'machine has none; use torchrun and --launcher pytorch')


def join_on_cpu(cfg: Config, launcher: str) -> dict[str, Any]:
    """Let processes without a GPU work together, before a runner is built.

    MMEngine asks for a GPU, whatever backend a config sets.

    Returns:
        Settings that the config needs for it, none where there are GPUs.
    """
    if launcher == 'none' or has_accelerator():
        return {}
    if not distributed.is_initialized():
        distributed.init_process_group('gloo')
    wrapper = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    wrapper.update(cfg.get('model_wrapper_cfg') or {}, device_ids=None)
    return {f'model_wrapper_cfg.{key}': wrapper[key] for key in wrapper}
