# SPDX-License-Identifier: Apache-2.0
"""Eq. 2 and 3 as one operator, with a body for each kind of machine."""
from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from shutil import which
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from . import warp_correlate_cpu, warp_correlate_loop
from .warp import is_exporting


def check_radius(radius: int) -> None:
    """Refuse a negative search radius."""
    if radius < 0:
        raise ValueError(f'max_displacement must be 0 or more, got {radius}')


def warp_correlate(first: Tensor, second: Tensor, flow: Tensor | None,
                   max_displacement: int) -> Tensor:
    r"""Warp the second feature and compare it with the first (eq. 2, 3).

    .. math:: CostVolume(x_1, x_2) = \frac{1}{C} q_1(x_1)^T \hat{q}_2(x_2),
        \quad \hat{q}_2(x) = q_2(x + U_{12}(x))

    One operator, ``torch.ops.uftsn.warp_correlate``. On a CPU its body is
    compiled C++, where the installation found a compiler (see
    ``warp_correlate_cpu``), on a GPU it is Triton, where that is installed
    (see ``warp_correlate_triton``), and elsewhere a loop over the shifts
    (``warp_correlate_loop``). It can be differentiated once.

    Args:
        first: Feature of the first frame ``(N, C, H, W)``.
        second: Feature of the second frame, of the same shape.
        flow: Flow from the first to the second frame ``(N, 2, H, W)``, in
            pixels; None for zero flow.
        max_displacement: Radius r of the search square, in pixels.

    Returns:
        ``(N, (2r+1)**2, H, W)``; channel ``(dy + r) * (2r+1) + dx + r`` holds
        the product with the warped pixel at ``(y + dy, x + dx)``, which is 0
        outside the frame. It is channels_last if ``first`` is.

    Raises:
        ValueError: If the shapes do not fit or the radius is negative.

    Examples:
        >>> first = torch.tensor([[[[0., 1., 0., 0.]]]])
        >>> second = torch.tensor([[[[0., 0., 0., 1.]]]])  # two to the right
        >>> flow = torch.zeros(1, 2, 1, 4)
        >>> flow[:, 0] = 1
        >>> warp_correlate(first, second, flow, 1)[0, :, 0, 1].argmax()
        tensor(5)
    """
    check_radius(max_displacement)
    if first.shape != second.shape or first.dim() != 4:
        raise ValueError(
            'warp_correlate expects two features (N, C, H, W) of one shape, '
            f'got {tuple(first.shape)} and {tuple(second.shape)}')
    if flow is not None and flow.shape != (first.shape[0], 2,
                                           *first.shape[2:]):
        raise ValueError(
            'warp_correlate expects a flow (N, 2, H, W) of the size of the '
            f'features {tuple(first.shape)}, got {tuple(flow.shape)}; bring '
            'it to that size with resize_flow')
    dtype = torch.promote_types(first.dtype, second.dtype)
    if flow is not None:
        # Half precision cannot hold a pixel coordinate.
        dtype = torch.promote_types(dtype, torch.float32)
        flow = flow.to(dtype)
    first, second = first.to(dtype), second.to(dtype)
    if is_exporting():  # a file shall not need the operator
        return warp_correlate_loop.exported(first, second, flow,
                                            max_displacement)
    return _forward(first, second, flow, max_displacement)


def cost_volume(first: Tensor, second: Tensor,
                max_displacement: int) -> Tensor:
    """Compare each pixel with a square of the other feature map (eq. 3).

    :func:`warp_correlate` of a feature that is warped already.

    Examples:
        >>> first = torch.tensor([[[[0., 1., 0.]]]])
        >>> second = torch.tensor([[[[0., 0., 1.]]]])  # one pixel to the right
        >>> cost_volume(first, second, 1)[0, :, 0, 1].argmax()
        tensor(5)
    """
    return warp_correlate(first, second, None, max_displacement)


@cache
def has_triton(device: torch.device) -> bool:
    """Tell whether Triton can compile for a GPU, which takes a compiler."""
    compiler = os.environ.get('CC') or which('gcc') or which('clang')
    return (find_spec('triton') is not None and compiler is not None
            and torch.cuda.get_device_capability(device) >= (7, 0))


def _body(feature: Tensor) -> ModuleType:
    """Return the module with the fastest body that takes such a feature."""
    if warp_correlate_cpu.accepts(feature):
        return warp_correlate_cpu
    if feature.is_cuda and has_triton(feature.device):
        # Here, since not every machine has it.
        from . import warp_correlate_triton
        return warp_correlate_triton
    return warp_correlate_loop


def _empty_volume(first: Tensor, radius: int) -> Tensor:
    """Return an empty volume in the layout of the first feature."""
    batch, _, height, width = first.shape
    channels_last = (not first.is_contiguous() and
                     first.is_contiguous(memory_format=torch.channels_last))
    return torch.empty(
        (batch, (2 * radius + 1)**2, height, width),
        dtype=first.dtype, device=first.device,
        memory_format=(torch.channels_last if channels_last else
                       torch.contiguous_format))


@torch.library.custom_op('uftsn::warp_correlate', mutates_args=())
def _forward(first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int) -> Tensor:
    volume = _empty_volume(first, radius)
    _body(first).forward(first, second, flow, radius, volume)
    return volume


@torch.library.custom_op('uftsn::warp_correlate_backward', mutates_args=())
def _backward(grad: Tensor, first: Tensor, second: Tensor,
              flow: Tensor | None, radius: int,
              needed: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:
    grads = _body(first).backward(grad, first, second, flow, radius, needed)
    # An operator cannot return None. Its results are of no odd layout.
    return tuple(first.new_empty(0) if by is None else by.contiguous()
                 for by in grads)


@_forward.register_fake
def _(first: Tensor, second: Tensor, flow: Tensor | None,
      radius: int) -> Tensor:
    return _empty_volume(first, radius)


@_backward.register_fake
def _(grad: Tensor, first: Tensor, second: Tensor, flow: Tensor | None,
      radius: int, needed: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(
        first.new_empty(tensor.shape if wanted else 0)
        for tensor, wanted in zip((first, second, flow), needed))


def _save(ctx: Any, inputs: tuple, output: Tensor) -> None:
    *tensors, ctx.radius = inputs
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    # The image of level 0 has no gradient, nor has a flow of None.
    needed = ctx.needs_input_grad[:3]
    grads = _backward(grad.contiguous(), *ctx.saved_tensors, ctx.radius,
                      needed)
    return (*(by if wanted else None for by, wanted in zip(grads, needed)),
            None)


_forward.register_autograd(_differentiate, setup_context=_save)
