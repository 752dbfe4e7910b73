# SPDX-License-Identifier: Apache-2.0
"""Eq. 2 and 3 as one operator, with a body for each kind of machine."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import warp_correlate_cpu
from .cost_volume import (
    check_radius,
    exported_products,
    shifted_products,
    shifted_products_backward,
)
from .warp import backward_warp, backward_warp_gradients, is_exporting


def warp_correlate(first: Tensor, second: Tensor, flow: Tensor | None,
                   max_displacement: int) -> Tensor:
    r"""Warp the second feature and compare it with the first (eq. 2, 3).

    ``cost_volume(first, backward_warp(second, flow), max_displacement)`` in
    one operator, ``torch.ops.uftsn.warp_correlate``. On a CPU its body is
    compiled C++, where the installation found a compiler (see
    ``warp_correlate_cpu``), and elsewhere the loop of :func:`cost_volume`.
    It has a first derivative alone.

    Args:
        first: Feature of the first frame ``(N, C, H, W)``.
        second: Feature of the second frame, of the same shape.
        flow: Flow from the first to the second frame ``(N, 2, H, W)``, in
            pixels; None for zero flow.
        max_displacement: Radius r of the search square, in pixels.

    Returns:
        ``(N, (2r+1)**2, H, W)``, see :func:`cost_volume`.

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
        return exported_products(first, _warp(second, flow),
                                 max_displacement)
    return _forward(first, second, flow, max_displacement)


@torch.library.custom_op('uftsn::warp_correlate', mutates_args=())
def _forward(first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int) -> Tensor:
    if warp_correlate_cpu.accepts(first):
        return warp_correlate_cpu.forward(first, second, flow, radius)
    return shifted_products(first, _warp(second, flow), radius)


@torch.library.custom_op('uftsn::warp_correlate_backward', mutates_args=())
def _backward(grad: Tensor, first: Tensor, second: Tensor,
              flow: Tensor | None,
              radius: int) -> tuple[Tensor, Tensor, Tensor]:
    if warp_correlate_cpu.accepts(first):
        return warp_correlate_cpu.backward(grad, first, second, flow, radius)
    grad_first, grad_warped = shifted_products_backward(
        grad, first, _warp(second, flow), radius)
    if flow is None:
        return grad_first, grad_warped.contiguous(), first.new_empty(0)
    return grad_first, *backward_warp_gradients(grad_warped, second, flow)


@_forward.register_fake
def _(first: Tensor, second: Tensor, flow: Tensor | None,
      radius: int) -> Tensor:
    batch, _, height, width = first.shape
    return first.new_empty(batch, (2 * radius + 1)**2, height, width)


@_backward.register_fake
def _(grad: Tensor, first: Tensor, second: Tensor, flow: Tensor | None,
      radius: int) -> tuple[Tensor, Tensor, Tensor]:
    return (torch.empty_like(first), torch.empty_like(second),
            first.new_empty(0) if flow is None else torch.empty_like(flow))


def _warp(second: Tensor, flow: Tensor | None) -> Tensor:
    return second if flow is None else backward_warp(second, flow)


def _save(ctx: Any, inputs: tuple, output: Tensor) -> None:
    *tensors, ctx.radius = inputs
    ctx.save_for_backward(*tensors)


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    first, second, flow = ctx.saved_tensors
    grads = _backward(grad.contiguous(), first, second, flow, ctx.radius)
    return grads[0], grads[1], None if flow is None else grads[2], None


_forward.register_autograd(_differentiate, setup_context=_save)
