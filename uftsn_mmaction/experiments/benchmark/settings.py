# SPDX-License-Identifier: Apache-2.0
"""Settings of a benchmark."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ..environment import available_device


@dataclass(frozen=True)
class Combination:
    """Conditions within which estimators are compared."""
    device: str
    size: tuple[int, int]  # height and width in pixels
    batch_size: int
    clip_len: int = 10  # frames
    threads: int = 1
    precision: str | None = None  # None for that of each estimator
    layout: str | None = None

    @property
    def pairs(self) -> int:
        """Pairs of neighbouring frames in a batch."""
        return self.batch_size * (self.clip_len - 1)

    @property
    def title(self) -> str:
        height, width = self.size
        plural = '' if self.threads == 1 else 's'
        asked = ''.join(f', {value}' for value in
                        (self.precision, self.layout) if value)
        return (f'{self.device}, {height}x{width}, batch size '
                f'{self.batch_size}, {self.clip_len} frames, {self.threads} '
                f'thread{plural}{asked}')


@dataclass(frozen=True)
class BenchmarkSettings:
    """Options of ``tools/benchmark.py``, where they are explained."""
    estimators: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] = ((224, 224), )
    batch_sizes: tuple[int, ...] = (1, )
    devices: tuple[str, ...] = ('cpu', )
    clip_lens: tuple[int, ...] = (10, )
    threads: tuple[int, ...] = (1, )
    precisions: tuple[str | None, ...] = (None, )
    layouts: tuple[str | None, ...] = (None, )
    classifier: str | None = None  # config, None to end at the flow
    repeats: int = 10
    warmup: int = 2
    profile: bool = False

    def __post_init__(self) -> None:
        if not self.estimators:
            raise ValueError('estimators is empty, expected one or more')
        for name, least, values in (('size', 1, sum(self.sizes, ())),
                                    ('batch_size', 1, self.batch_sizes),
                                    ('clip_len', 2, self.clip_lens),
                                    ('threads', 1, self.threads),
                                    ('repeats', 1, [self.repeats]),
                                    ('warmup', 0, [self.warmup])):
            if min(values) < least:
                raise ValueError(
                    f'{name} is {min(values)}, expected {least} or more')
        for name in self.devices:
            if available_device(name).type not in ('cpu', 'cuda'):
                raise ValueError(f'device is {name!r}, expected cpu or cuda')

    def combinations(self) -> list[Combination]:
        """Return all combinations once; the last options change fastest."""
        choices = product(self.devices, self.sizes, self.batch_sizes,
                          self.clip_lens, self.threads, self.precisions,
                          self.layouts)
        return [Combination(*choice) for choice in dict.fromkeys(choices)]
