# SPDX-License-Identifier: Apache-2.0
"""Pixels that both frames show, judged from the flow of both directions.

The photometric loss compares a pixel with the place that its flow points to.
If another object covers that place, or the point has left the frame, the
comparison misleads.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..flow.warp import backward_warp, pixel_grid


@torch.no_grad()
def forward_backward_mask(flow: Tensor,
                          reverse_flow: Tensor,
                          relative: float = 0.01,
                          absolute: float = 0.5) -> Tensor:
    r"""Return 1 where the reverse flow leads back to where the flow began.

    .. math:: |U_{12} + \hat{U}_{21}|^2 < a (|U_{12}|^2 + |\hat{U}_{21}|^2)
        + b, \quad \hat{U}_{21}(x) = U_{21}(x + U_{12}(x))

    Source: UnFlow (Meister et al., AAAI 2018), eq. 2, with its constants.

    Args:
        flow: Flow ``(P, 2, H, W)`` in pixels.
        reverse_flow: Flow of the other direction, same shape.
        relative: a, the tolerance relative to the squared flow.
        absolute: b, in pixels squared.

    Returns:
        Mask ``(P, 1, H, W)`` without a gradient.

    Examples:
        >>> flow = torch.tensor([2., 0.]).view(1, 2, 1, 1).repeat(1, 1, 1, 6)
        >>> reverse_flow = -flow
        >>> reverse_flow[..., 4] = 0.  # covered by something at rest
        >>> forward_backward_mask(flow, reverse_flow)
        tensor([[[[1., 1., 0., 1., 0., 0.]]]])
    """
    returned = backward_warp(reverse_flow, flow)
    lengths = _squared_length(flow) + _squared_length(returned)
    gap = _squared_length(flow + returned)
    return (gap < relative * lengths + absolute).to(returned.dtype)


@torch.no_grad()
def range_map(reverse_flow: Tensor) -> Tensor:
    r"""Count the pixels of the second frame that arrive at each of the first.

    .. math:: V(x) = \sum_y \max(0, 1 - |x_1 - y_1 - U_{21,1}(y)|)
        \max(0, 1 - |x_2 - y_2 - U_{21,2}(y)|)

    Source: Wang et al., Occlusion Aware Unsupervised Learning of Optical
    Flow, CVPR 2018, eq. 1.

    Args:
        reverse_flow: Flow ``(P, 2, H, W)`` from the second frame to the
            first, in pixels.

    Returns:
        Sum of bilinear weights ``(P, 1, H, W)``, without a gradient: 1 where
        the flow is constant, 0 where nothing arrives.

    Examples:
        >>> reverse_flow = torch.zeros(1, 2, 1, 4)
        >>> reverse_flow[:, 0] = -0.5  # to the left
        >>> range_map(reverse_flow)
        tensor([[[[1.0000, 1.0000, 1.0000, 0.5000]]]])
    """
    height, width = reverse_flow.shape[-2:]
    dtype = torch.promote_types(reverse_flow.dtype, torch.float32)
    reverse_flow = reverse_flow.to(dtype)
    x, y = (pixel_grid(reverse_flow) + reverse_flow).flatten(2).unbind(1)
    left, top = x.floor(), y.floor()
    arrived = x.new_zeros(len(x), height * width)
    for column, x_weight in ((left, left + 1 - x), (left + 1, x - left)):
        for row, y_weight in ((top, top + 1 - y), (top + 1, y - top)):
            inside = ((column >= 0) & (column < width) & (row >= 0)
                      & (row < height))
            # Far outside the frame, and for NaN, there is no such index.
            index = torch.where(inside, row * width + column, 0).long()
            weight = torch.where(inside, x_weight * y_weight, 0)
            arrived.scatter_add_(1, index, weight)
    return arrived.view(-1, 1, height, width)


def range_map_mask(flow: Tensor,
                   reverse_flow: Tensor,
                   threshold: float = 0.5) -> Tensor:
    """Return 1 where enough of the second frame arrives, see `range_map`.

    Args:
        flow: Flow ``(P, 2, H, W)``; the range map does not depend on it.
        reverse_flow: Flow of the other direction, same shape.
        threshold: Least sum of bilinear weights of a visible pixel. Where
            the image grows by a factor of s, the sum is 1 / s**2.

    Returns:
        Mask ``(P, 1, H, W)`` without a gradient.
    """
    arrived = range_map(reverse_flow)
    return (arrived > threshold).to(arrived.dtype)


#: Methods by name, functions of the flow and the reverse flow.
OCCLUSION_MASKS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'forward_backward': forward_backward_mask,
    'range_map': range_map_mask,
}


def check_occlusion(occlusion: str | None) -> None:
    """Check the name of a method, None for no mask."""
    if occlusion is not None and occlusion not in OCCLUSION_MASKS:
        raise ValueError(
            f'occlusion must be one of {tuple(OCCLUSION_MASKS)} or None, got '
            f'{occlusion!r}')


def unless_too_few(visible_mask: Tensor, valid_mask: Tensor,
                   min_visible: float) -> Tensor:
    """Replace the mask of each pair that keeps too few pixels by ones.

    Without such a floor, a loss could reach zero by hiding all pixels, and a
    bad start, which hides most of them, would learn from next to nothing.

    Args:
        visible_mask: Mask ``(P, 1, H, W)``.
        valid_mask: Pixels of which a share has to be visible, same shape.
        min_visible: Least share, from 0 to 1.

    Returns:
        Mask of the same shape.

    Examples:
        >>> visible = torch.tensor([[0., 0., 0., 1.], [0., 1., 1., 1.]])
        >>> visible = visible.view(2, 1, 1, 4)
        >>> unless_too_few(visible, torch.ones(2, 1, 1, 4), 0.5)[:, 0, 0]
        tensor([[1., 1., 1., 1.],
                [0., 1., 1., 1.]])
    """
    dims = (1, 2, 3)
    kept = (visible_mask * valid_mask).sum(dims, keepdim=True)
    enough = kept >= min_visible * valid_mask.sum(dims, keepdim=True)
    return torch.where(enough, visible_mask, torch.ones_like(visible_mask))


def _squared_length(flow: Tensor) -> Tensor:
    return flow.square().sum(1, keepdim=True)
