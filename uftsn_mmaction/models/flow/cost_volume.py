# SPDX-License-Identifier: Apache-2.0
"""Cost volume (eq. 3) as a loop over the shifts, and its derivative."""
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def check_radius(radius: int) -> None:
    """Refuse a negative search radius."""
    if radius < 0:
        raise ValueError(f'max_displacement must be 0 or more, got {radius}')


def _windows(padded: Tensor, radius: int) -> list[Tensor]:
    """Return the view of a padded map at each shift, row by row."""
    side = 2 * radius + 1
    height, width = padded.shape[2] - 2 * radius, padded.shape[3] - 2 * radius
    return [
        padded[..., y:y + height, x:x + width] for y in range(side)
        for x in range(side)
    ]


def shifted_products(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """Return the cost volume of :func:`cost_volume`, without autograd."""
    batch, channels, *size = first.shape
    windows = _windows(F.pad(second, (radius, ) * 4), radius)
    volume = first.new_empty(batch, len(windows), *size)
    # Allocating anew for each shift takes longer than the product.
    product = torch.empty_like(first)
    for shift, window in enumerate(windows):
        torch.mul(first, window, out=product)
        torch.sum(product, dim=1, out=volume[:, shift])
    return volume.div_(channels)


def exported_products(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """Return the same for a graph, a column of the square at a time.

    An exported graph has no views to write into, and an operation for each
    of the (2r+1)**2 shifts would make its export last minutes.
    """
    side, width = 2 * radius + 1, first.shape[-1]
    padded = F.pad(second, (radius, ) * 4)
    # N x C x (2r+1) x H x (W + 2r); without the copy, the windows overlap in
    # memory, and the graph would be bound to the size of its example.
    rows = padded.unfold(2, side, 1).permute(0, 1, 4, 2, 3).contiguous()
    first = first[:, :, None]
    # N x (2r+1) x (2r+1) x H x W
    volume = torch.stack([(first * rows[..., x:x + width]).mean(1)
                          for x in range(side)], dim=2)
    return volume.flatten(1, 2)


def shifted_products_backward(grad: Tensor, first: Tensor, second: Tensor,
                              radius: int) -> tuple[Tensor, Tensor]:
    """Return the derivatives by both features for that of the volume.

    Autograd would keep a node and a temporary for each of the (2r+1)**2
    shifts, which more than doubles the time of a training step.
    """
    padded = F.pad(second, (radius, ) * 4)
    grad_first = torch.zeros_like(first)
    windows = _windows(padded, radius)
    grad_windows = _windows(torch.zeros_like(padded), radius)
    grads = (grad / first.shape[1]).split(1, dim=1)
    for here, window, grad_window in zip(grads, windows, grad_windows):
        grad_first.addcmul_(here, window)
        grad_window.addcmul_(here, first)
    return grad_first, grad_windows[len(grad_windows) // 2]


class _CostVolume(torch.autograd.Function):
    """The loop with its derivative written out."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor,
                radius: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.radius = radius
        return shifted_products(first, second, radius)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        grads = shifted_products_backward(grad, *ctx.saved_tensors,
                                          ctx.radius)
        return *grads, None


def cost_volume(first: Tensor, second: Tensor,
                max_displacement: int) -> Tensor:
    r"""Compare each pixel with a square of the other feature map (eq. 3).

    .. math:: CostVolume(x_1, x_2) = \frac{1}{N} q_1(x_1)^T \hat{q}_2(x_2)

    Args:
        first: Feature of the first frame ``(N, C, H, W)``.
        second: Warped feature of the second frame.
        max_displacement: Radius r of the search square, in pixels.

    Returns:
        ``(N, (2r+1)**2, H, W)``; channel ``(dy + r) * (2r+1) + dx + r`` holds
        the product with the pixel at ``(y + dy, x + dx)``, which is 0 outside
        the frame.

    Raises:
        ValueError: If the shapes differ or the radius is negative.

    Examples:
        >>> first = torch.tensor([[[[0., 1., 0.]]]])
        >>> second = torch.tensor([[[[0., 0., 1.]]]])  # one pixel to the right
        >>> cost_volume(first, second, 1)[0, :, 0, 1].argmax()
        tensor(5)
    """
    if first.shape != second.shape or first.dim() != 4:
        raise ValueError(
            'cost_volume expects two features (N, C, H, W) of one shape, got '
            f'{tuple(first.shape)} and {tuple(second.shape)}')
    check_radius(max_displacement)
    return _CostVolume.apply(first, second, max_displacement)
