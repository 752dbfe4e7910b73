# SPDX-License-Identifier: Apache-2.0
"""Backward warping (eq. 2) and the one place where a flow changes its size.

Convention:
    A flow is ``(N, 2, H, W)``, channel 0 is u (right), channel 1 is v
    (down), in pixels of its own level. Pixel centres have integer
    coordinates, x from 0 to W - 1.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_grid(flow: Tensor) -> Tensor:
    """Coordinates ``(2, H, W)`` of the pixel centres of a flow."""
    height, width = flow.shape[-2:]
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)
    return torch.stack(
        (x.expand(height, width), y[:, None].expand(height, width)))


def backward_warp(feature: Tensor, flow: Tensor) -> Tensor:
    r"""Sample a feature where the flow points to (eq. 2).

    .. math:: \hat{q}_2(x) = q_2(x + U_{12}(x))

    Bilinear; what lies outside of the frame counts as zero. Zero flow is the
    identity up to the rounding of float coordinates. Both inputs are used in
    float32 at least, since half precision cannot hold a pixel coordinate.

    Args:
        feature: Feature or image of the second frame ``(N, C, H, W)``.
        flow: Flow from the first to the second frame ``(N, 2, H, W)``.

    Returns:
        The warped feature ``(N, C, H, W)``.

    Raises:
        ValueError: The sizes of feature and flow differ.
    """
    if (feature.shape[0], *feature.shape[-2:]) != (flow.shape[0],
                                                   *flow.shape[-2:]):
        raise ValueError(
            'backward_warp expects a feature (N, C, H, W) and a flow '
            f'(N, 2, H, W) of one size, got {tuple(feature.shape)} and '
            f'{tuple(flow.shape)}; bring the flow to the size of the feature '
            'with resize_flow first')
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    size = flow.new_tensor((flow.shape[-1], flow.shape[-2])).view(2, 1, 1)
    # grid_sample counts from -1 to 1 between the outer edges of the frame.
    grid = (2 * (pixel_grid(flow) + flow) + 1) / size - 1
    # Autocast would round the coordinates to half precision.
    with torch.autocast(flow.device.type, enabled=False):
        return F.grid_sample(
            feature.to(flow.dtype),
            grid.permute(0, 2, 3, 1),
            mode='bilinear',
            padding_mode='zeros',
            align_corners=False)


def valid_mask(flow: Tensor) -> Tensor:
    """1 where the flow points to a place inside of the second frame.

    Args:
        flow: Flow ``(N, 2, H, W)``.

    Returns:
        Mask ``(N, 1, H, W)``, float32 at least, without gradient.
    """
    height, width = flow.shape[-2:]
    flow = flow.detach()
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    x, y = (pixel_grid(flow) + flow).unbind(1)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside[:, None].to(flow.dtype)


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring a flow to another size, its values along: ``up()`` of eq. 2.

    Args:
        flow: Flow ``(N, 2, h, w)`` in pixels of its size.
        size: Height and width of the result.

    Returns:
        Flow ``(N, 2, H, W)`` in pixels of the new size.
    """
    size = (int(size[0]), int(size[1]))
    height, width = flow.shape[-2:]
    if size == (height, width):
        return flow
    scale = flow.new_tensor((size[1] / width, size[0] / height))
    return F.interpolate(
        flow, size=size, mode='bilinear',
        align_corners=False) * scale.view(2, 1, 1)
