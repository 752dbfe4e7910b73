# SPDX-License-Identifier: Apache-2.0
"""Compiled body of ``warp_correlate`` for CPUs: ``csrc/warp_correlate.cpp``.

The installation builds it where it finds a C++ compiler. It does not link to
PyTorch, so that one build serves any release.
"""
from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

_MODULE = 'uftsn_mmaction._kernels'
_NAMES = {torch.float32: 'float32', torch.float64: 'float64'}


@cache
def library() -> ctypes.CDLL | None:
    """Load the compiled kernels; None where the installation has none."""
    spec = find_spec(_MODULE)
    if spec is None or spec.origin is None:
        return None
    try:
        kernels = ctypes.CDLL(spec.origin)
    except OSError:  # built for another system
        return None
    # A build that an older checkout left behind takes other arguments.
    current = hasattr(kernels, 'warp_correlate_forward_float32')
    return kernels if current else None


def accepts(feature: Tensor) -> bool:
    """Tell whether the kernels are there and take such a feature."""
    return (feature.device.type == 'cpu' and feature.dtype in _NAMES
            and library() is not None)


def forward(first: Tensor, second: Tensor, flow: Tensor | None, radius: int,
            volume: Tensor) -> None:
    """Write the cost volume of a feature and the warped second one."""
    channels_last = not volume.is_contiguous()
    layout = (torch.channels_last if channels_last else
              torch.contiguous_format)
    _call('warp_correlate_forward',
          (first.contiguous(memory_format=layout),
           second.contiguous(memory_format=layout),
           None if flow is None else flow.contiguous()),
          (volume, ), first, radius, ctypes.c_int(channels_last))


def backward(grad: Tensor, first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int, needed: Sequence[bool]) -> tuple[Tensor | None, ...]:
    """Return the needed ones of the derivatives by both features and flow."""
    grads = tuple(first.new_empty(tensor.shape) if wanted else None
                  for tensor, wanted in zip((first, second, flow), needed))
    _call('warp_correlate_backward',
          tuple(None if tensor is None else tensor.contiguous()
                for tensor in (grad, first, second, flow)),
          grads, first, radius)
    return grads


def _call(name: str, inputs: tuple[Tensor | None, ...],
          outputs: tuple[Tensor | None, ...], feature: Tensor,
          radius: int, *flags: ctypes.c_int) -> None:
    """Call a kernel with maps and the size of the features."""
    pointers = [
        ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
        for tensor in inputs + outputs
    ]
    sizes = map(ctypes.c_int64, (*feature.shape, radius))
    getattr(library(), f'{name}_{_NAMES[feature.dtype]}')(
        *pointers, *sizes, *flags, ctypes.c_int(torch.get_num_threads()))
