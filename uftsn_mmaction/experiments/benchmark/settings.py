# SPDX-License-Identifier: Apache-2.0
"""What a benchmark measures."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch


@dataclass(frozen=True)
class Combination:
    """Estimators are compared within one of these.

    Attributes:
        device: Device as PyTorch names it.
        size: Height and width of the frames in pixels.
        batch_size: Clips at a time.
    """
    device: str
    size: tuple[int, int]
    batch_size: int

    @property
    def title(self) -> str:
        """For tables and messages."""
        height, width = self.size
        return f'{self.device}, {height}x{width}, batch size {self.batch_size}'


@dataclass(frozen=True)
class BenchmarkSettings:
    """All that decides what is measured, and how.

    Attributes:
        estimators: Specifications, see ``evaluation/estimators.py``. The
            first one is what the others are compared with; named twice, it
            shows what is noise.
        sizes: Heights and widths of frames in pixels.
        batch_sizes: Clips at a time.
        devices: ``'cpu'``, ``'cuda'`` or ``'cuda:N'``.
        classifier: Config with a ``UFTSNRecognizer``, whose backbone and
            head take the flow; None to end at the flow.
        clip_len: Frames per clip, T.
        repeats: Measured rounds.
        warmup: Rounds before them that do not count.
        threads: Threads of PyTorch and of OpenCV.

    Raises:
        ValueError: A setting is out of range, or a device is not there.
    """
    estimators: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = ((224, 224), )
    batch_sizes: tuple[int, ...] = (1, )
    devices: tuple[str, ...] = ('cpu', )
    classifier: str | None = None
    clip_len: int = 10
    repeats: int = 10
    warmup: int = 2
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ('estimators', 'sizes', 'batch_sizes', 'devices'):
            if not getattr(self, name):
                raise ValueError(f'{name} is empty, expected one or more.')
        sides = [side for size in self.sizes for side in size]
        _check('size', sides, 1, 'pixels')
        _check('batch_size', self.batch_sizes, 1, 'clips')
        _check('clip_len', [self.clip_len], 2, 'frames')
        _check('repeats', [self.repeats], 1, 'rounds')
        _check('warmup', [self.warmup], 0, 'rounds')
        _check('threads', [self.threads], 1, 'threads')
        for device in self.devices:
            _check_device(device)

    @property
    def pairs(self) -> int:
        """Pairs of consecutive frames in a clip."""
        return self.clip_len - 1

    def combinations(self) -> list[Combination]:
        """All combinations, each once; the batch size changes fastest."""
        return list(
            dict.fromkeys(
                Combination(*choice) for choice in product(
                    self.devices, self.sizes, self.batch_sizes)))


def _check(name: str, values: Sequence[int], least: int, unit: str) -> None:
    for value in values:
        if value < least:
            raise ValueError(f'{name} is {value}, expected {least} {unit} or '
                             'more.')


def _check_device(name: str) -> None:
    """Refuse a device now rather than after the first hour."""
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise ValueError(f'device is {name!r}, expected cpu, cuda or cuda:N.')
    if device.type == 'cuda':
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ValueError(
                f'device is {name!r}, but PyTorch {torch.__version__} finds '
                f'{count} CUDA devices here; name another one, or install a '
                'build of PyTorch and a driver that fit the GPU.')
