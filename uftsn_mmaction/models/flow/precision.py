# SPDX-License-Identifier: Apache-2.0
"""Precision and layout of convolutions where no gradient is recorded."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from .warp import is_exporting

PRECISIONS = ('float32', 'bfloat16')
LAYOUTS = ('contiguous', 'channels_last')


class Arithmetic(NamedTuple):
    """What convolutions compute in.

    Attributes:
        precision: Name of their type; 'float32' leaves an autocast that is
            on already as it is.
        layout: 'channels_last', or 'contiguous' for maps as they come.
    """
    precision: str = 'float32'
    layout: str = 'contiguous'

    def __str__(self) -> str:
        return f'precision={self.precision!r}, layout={self.layout!r}'

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout in PyTorch's terms."""
        return (torch.channels_last if self.layout == 'channels_last' else
                torch.preserve_format)

    def autocast(self, x: Tensor) -> AbstractContextManager:
        """Return the context of convolutions on the device of a tensor."""
        if self.precision != 'bfloat16':
            return nullcontext()
        # A cast that is kept would outlive a change of the weights, and lack
        # the gradient that an autocast around this one may need.
        return torch.autocast(
            x.device.type, torch.bfloat16, cache_enabled=False)

    def join(self, maps: Sequence[Tensor], convolution: nn.Conv2d) -> Tensor:
        """Concatenate maps ``(N, C_i, H, W)`` to the input of a convolution.

        Each goes at once to the precision and layout that the convolution
        takes, so that the way there costs one copy.
        """
        kind, dtype = maps[0].device.type, convolution.weight.dtype
        # Autocast leaves double precision alone.
        if dtype != torch.float64 and torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        return torch.cat([
            x.to(dtype, memory_format=self.memory_format) for x in maps
        ], dim=1)


PLAIN = Arithmetic()


@dataclass(frozen=True)
class ArithmeticChoice:
    """What an estimator is asked to compute in, for any device.

    Args:
        precision: One of :data:`PRECISIONS`; None for bfloat16 where the
            device is good at it, and float32 elsewhere.
        layout: One of :data:`LAYOUTS`; None for channels_last where the
            device is good at bfloat16 and that is the precision.

    Raises:
        ValueError: If one of them is unknown.

    Examples:
        >>> choice = ArithmeticChoice('bfloat16', 'contiguous')
        >>> weight = torch.zeros(4, 3, 3, 3)
        >>> choice.for_weight(weight)
        Arithmetic(precision='bfloat16', layout='contiguous')
        >>> choice.for_weight(weight.double())
        Arithmetic(precision='float64', layout='contiguous')
    """
    precision: str | None = None
    layout: str | None = None

    def __post_init__(self) -> None:
        for name, known in (('precision', PRECISIONS), ('layout', LAYOUTS)):
            value = getattr(self, name)
            if value not in (None, *known):
                raise ValueError(
                    f'{name} of a flow estimator must be one of {known}, or '
                    f'None for what suits the device, got {value!r}')

    def for_weight(self, weight: Tensor) -> Arithmetic:
        """Choose by the type and the device of the weights.

        Weights of another type than float32 keep it.
        """
        good = is_good_at_bfloat16(weight.device)
        precision = self.precision or ('bfloat16' if good else 'float32')
        if weight.dtype != torch.float32:
            precision = str(weight.dtype).removeprefix('torch.')
        fast = good and precision == 'bfloat16'
        layout = self.layout or ('channels_last' if fast else 'contiguous')
        return Arithmetic(precision, layout)

    def for_call(self, weight: Tensor) -> Arithmetic:
        """Choose for this call; the plain way with a gradient or an export."""
        if torch.is_grad_enabled() or is_exporting():
            return PLAIN
        return Arithmetic(*_chosen(self.precision, self.layout, weight))


def is_good_at_bfloat16(device: torch.device) -> bool:
    """Tell whether convolutions are faster in bfloat16.

    They are on processors with instructions for it (AVX512-BF16, AMX) and on
    GPUs from Ampere on; others emulate it, which is slower.
    """
    if device.type == 'cpu':
        return (torch.cpu._is_avx512_bf16_supported()
                or torch.cpu._is_amx_tile_supported())
    return (device.type == 'cuda'
            and torch.cuda.get_device_capability(device) >= (8, 0))


@torch.compiler.assume_constant_result
def _chosen(precision: str | None, layout: str | None,
            weight: Tensor) -> tuple[str, str]:
    """Choose and log, which a graph cannot hold."""
    chosen = ArithmeticChoice(precision, layout).for_weight(weight)
    if chosen != PLAIN:
        _log(chosen, weight.device)
    return tuple(chosen)


@cache
def _log(chosen: Arithmetic, device: torch.device) -> None:
    """State once what is not the plain way."""
    print_log(f'Flow without gradient on {device}: {chosen}', logger='current')
