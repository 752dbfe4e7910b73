# SPDX-License-Identifier: Apache-2.0
"""The environment that a result comes from."""
from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import fill

import torch
from mmengine.utils.dl_utils import collect_env

from ..models.flow import warp_correlate_cpu
from ..models.flow.precision import ArithmeticChoice
from ..models.flow.warp_correlate import has_triton
from ..version import __version__

_UNUSED = ('PyTorch compiling details', 'MUSA available', 'numpy_random_seed')


def environment() -> dict[str, str]:
    """Return the versions of libraries and the processors, for JSON."""
    env = {name: str(value)
           for name, value in collect_env().items() if name not in _UNUSED}
    # Those that MMEngine does not report.
    for package in ('numpy', 'mmcv', 'mmcv-lite', 'mmaction2', 'ptlflow'):
        with suppress(PackageNotFoundError):
            env[package] = version(package)
    env['uftsn_mmaction'] = __version__
    body = ('PyTorch' if warp_correlate_cpu.library() is None else
            'compiled for CPUs')
    env['warp_correlate'] = f'{body}, {_arithmetic("cpu")}'
    env['system'] = platform.platform()
    env['CPU'] = f'{_cpu_name()}, {os.cpu_count()} cores'
    if torch.cuda.is_available():
        device = torch.device('cuda', torch.cuda.current_device())
        body = 'Triton' if has_triton(device) else 'PyTorch'
        env['warp_correlate on GPUs'] = f'{body}, {_arithmetic(device)}'
        env['cuDNN'] = str(torch.backends.cudnn.version())
    return env


def available_device(name: str) -> torch.device:
    """Return the device of a name, which must be there."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    # PyTorch asserts that it is compiled for the device.
    except (RuntimeError, AssertionError) as error:
        cause = str(error).strip().split('\n')[0].rstrip('.')
        raise ValueError(f'--device {name!r} cannot be used ({cause}); use '
                         'cpu, or a device that this machine has') from None
    return device


def environment_text(env: Mapping[str, object]) -> str:
    """Return the result of :func:`environment` for a terminal."""
    text = '; '.join(f'{name}: {value}' for name, value in env.items())
    return fill(text, 79, break_on_hyphens=False)


def _arithmetic(device: str | torch.device) -> str:
    """Name what the convolutions around the operator compute in."""
    weight = torch.empty(0, device=device)
    precision, layout = ArithmeticChoice().for_weight(weight)
    return f'without gradient {precision} and {layout}'


def _cpu_name() -> str:
    # On Linux platform.processor() is empty or the architecture alone.
    with suppress(OSError):
        found = re.search(r'^model name\s*:\s*(.+)$',
                          Path('/proc/cpuinfo').read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()
