# SPDX-License-Identifier: Apache-2.0
"""Backward warping (eq. 2), and the resizing of flow.

Convention:
    A flow is ``(N, 2, H, W)``, channel 0 is u (right), channel 1 is v
    (down), in pixels of its own level. Pixel centres have integer
    coordinates, x from 0 to W - 1.
"""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_grid(flow: Tensor) -> Tensor:
    """Return the coordinates ``(2, H, W)`` of the pixel centres of a flow."""
    height, width = flow.shape[-2:]
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)
    return torch.stack(
        (x.expand(height, width), y[:, None].expand(height, width)))


def sampling_grid(flow: Tensor) -> Tensor:
    """Return where a flow points to, ``(N, H, W, 2)`` for grid_sample."""
    size = _pair(flow, flow.shape[-1], flow.shape[-2])
    # grid_sample counts from -1 to 1 between the outer edges of the frame.
    grid = (2 * (pixel_grid(flow) + flow) + 1) / size - 1
    return grid.permute(0, 2, 3, 1)


def backward_warp(feature: Tensor, flow: Tensor) -> Tensor:
    r"""Sample a feature where the flow points to (eq. 2).

    .. math:: \hat{q}_2(x) = q_2(x + U_{12}(x))

    Sampling is bilinear, with zeros outside the frame. Zero flow is the
    identity up to the rounding of float coordinates. Both inputs become
    float32 at least, since half precision cannot hold a pixel coordinate.

    Args:
        feature: Feature or image of the second frame ``(N, C, H, W)``.
        flow: Flow from the first to the second frame ``(N, 2, H, W)``.

    Raises:
        ValueError: If the sizes of feature and flow differ.

    Examples:
        >>> feature = torch.tensor([[[[0., 10., 20., 30.]]]])
        >>> flow = torch.zeros(1, 2, 1, 4)
        >>> flow[:, 0] = 1.5  # to the right
        >>> backward_warp(feature, flow)
        tensor([[[[15., 25., 15.,  0.]]]])
    """
    if (feature.shape[0], *feature.shape[-2:]) != (flow.shape[0],
                                                   *flow.shape[-2:]):
        raise ValueError(
            'backward_warp expects a feature (N, C, H, W) and a flow '
            f'(N, 2, H, W) of one size, got {tuple(feature.shape)} and '
            f'{tuple(flow.shape)}; bring the flow to the size of the feature '
            'with resize_flow first')
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    # Autocast would round the coordinates to half precision.
    with without_autocast(flow):
        return F.grid_sample(
            feature.to(flow.dtype),
            sampling_grid(flow),
            mode='bilinear',
            padding_mode='zeros',
            align_corners=False)


def backward_warp_gradients(
        grad: Tensor, feature: Tensor, flow: Tensor,
        needed: Sequence[bool]) -> tuple[Tensor | None, Tensor | None]:
    """Return the derivatives of :func:`backward_warp` by both inputs.

    For operators that are opaque to autograd; ``grad`` ``(N, C, H, W)`` is
    the derivative by the warped feature, and all have one dtype. What is not
    ``needed``, by feature and by flow, is None.
    """
    by_feature, by_flow = needed
    # There is always a derivative by the grid.
    grad_feature, grad_grid = torch.ops.aten.grid_sampler_2d_backward(
        grad, feature, sampling_grid(flow), 0, 0, False, (by_feature, True))
    # The grid goes from -1 to 1 over the frame.
    size = _pair(flow, flow.shape[-1], flow.shape[-2])
    return (grad_feature if by_feature else None,
            grad_grid.permute(0, 3, 1, 2) * 2 / size if by_flow else None)


def valid_mask(flow: Tensor) -> Tensor:
    """Return 1 where a flow points inside the second frame, else 0.

    The mask ``(N, 1, H, W)`` is float32 at least and has no gradient.

    Examples:
        >>> flow = torch.zeros(1, 2, 1, 4)
        >>> flow[:, 0] = 1.5
        >>> valid_mask(flow)
        tensor([[[[1., 1., 0., 0.]]]])
    """
    height, width = flow.shape[-2:]
    flow = flow.detach()
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    x, y = (pixel_grid(flow) + flow).unbind(1)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside[:, None].to(flow.dtype)


def photometric_errors(first: Tensor, second: Tensor,
                       flow: Tensor) -> tuple[Tensor, Tensor]:
    """Compare a frame with the next one, moved by the flow and as it is.

    A pixel whose flow leaves the frame counts with the difference that zero
    flow has there, so that pointing outside gains nothing.

    Args:
        first, second: Frames ``(N, 3, H, W)``.
        flow: Flow from the first to the second ``(N, 2, H, W)``.

    Returns:
        Mean absolute differences ``(N, 1, H, W)`` with the flow, and with
        zero flow.
    """
    still = (first - second).abs().mean(1, keepdim=True)
    moved = (first - backward_warp(second, flow)).abs().mean(1, keepdim=True)
    return moved.where(valid_mask(flow) > 0, still), still


def resize_flow(flow: Tensor, size: tuple[int, int],
                mode: str = 'bilinear') -> Tensor:
    """Resize a flow ``(N, 2, h, w)`` to a height and width, ``up()`` of eq. 2.

    The result ``(N, 2, H, W)`` is in pixels of the new size. Modes are those
    of :func:`torch.nn.functional.interpolate`.

    Examples:
        >>> flow = torch.tensor([1., 2.]).view(1, 2, 1, 1).expand(1, 2, 4, 6)
        >>> resize_flow(flow, (8, 18))[0, :, 0, 0]
        tensor([3., 4.])
    """
    if not is_exporting():  # whose sizes may be unknown
        size = (int(size[0]), int(size[1]))
    height, width = flow.shape[-2:]
    if tuple(size) == (height, width):
        return flow
    resized = F.interpolate(flow, size, mode=mode)
    return resized * _pair(flow, size[1] / width, size[0] / height)


def is_exporting() -> bool:
    """Return whether ``torch.export`` records the operations.

    In torch 2.6, where nobody can tell, it is always false.
    """
    return getattr(torch.compiler, 'is_exporting', bool)()


def without_autocast(x: Tensor) -> AbstractContextManager:
    """Return a context that keeps the precision of what a tensor enters.

    An export has no autocast, and a file cannot hold the context.
    """
    if is_exporting():
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def _pair(like: Tensor, x: float, y: float) -> Tensor:
    """Return a factor ``(2, 1, 1)`` of u and v."""
    # Unlike new_tensor, this also takes the unknown sizes of a graph.
    return torch.stack([like.new_full((1, 1), value) for value in (x, y)])
