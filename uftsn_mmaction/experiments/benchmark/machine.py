# SPDX-License-Identifier: Apache-2.0
"""The machine and the libraries that numbers were measured with."""
from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import torch

from ..environment import environment


def set_threads(threads: int) -> None:
    """Give PyTorch and OpenCV the same number of threads."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


@contextmanager
def measuring(threads: int) -> Iterator[None]:
    """Settings of PyTorch and OpenCV that hold while something is measured.

    Args:
        threads: Threads of both.
    """
    before = (torch.get_num_threads(), cv2.getNumThreads(),
              torch.backends.cudnn.benchmark)
    set_threads(threads)
    # Let cuDNN try its algorithms during the warm-up.
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
        torch.backends.cudnn.benchmark = before[2]


def describe_machine(devices: Sequence[str]) -> dict[str, Any]:
    """Versions, processors and threads in use, ready for JSON.

    Args:
        devices: Devices in use.
    """
    gpus = {
        device: torch.cuda.get_device_name(device)
        for device in devices if torch.device(device).type == 'cuda'
    }
    return dict(
        versions=dict(
            **environment(),
            cuda=torch.version.cuda if gpus else None,
            cudnn=torch.backends.cudnn.version() if gpus else None),
        system=platform.platform(),
        cpu=_cpu_name(),
        cpu_count=os.cpu_count(),
        gpus=gpus,
        threads_in_use=dict(
            torch=torch.get_num_threads(), opencv=cv2.getNumThreads()),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        cudnn_allow_tf32=torch.backends.cudnn.allow_tf32)


def _cpu_name() -> str:
    """Linux keeps it in a file, where Python does not look."""
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:
        text = ''
    found = re.search(r'^model name\s*:\s*(.+)$', text, re.MULTILINE)
    name = found.group(1).strip() if found else ''
    return name or platform.processor() or platform.machine()
