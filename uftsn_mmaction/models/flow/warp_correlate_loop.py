# SPDX-License-Identifier: Apache-2.0
"""Body of ``warp_correlate`` for any device: a loop over the shifts."""
from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .warp import backward_warp, backward_warp_gradients


def forward(first: Tensor, second: Tensor, flow: Tensor | None, radius: int,
            volume: Tensor) -> None:
    """Write the cost volume of a feature and the warped second one."""
    first = first.contiguous()
    padded = F.pad(_warp(second, flow), (radius, ) * 4)
    # A plane at a time: single channels of a pixel would take longer.
    planes = (volume if volume.is_contiguous() else
              torch.empty_like(volume, memory_format=torch.contiguous_format))
    # Allocating anew for each shift takes longer than the product.
    product = torch.empty_like(first)
    for shift, window in enumerate(_windows(padded, radius)):
        torch.mul(first, window, out=product)
        torch.sum(product, dim=1, out=planes[:, shift])
    torch.div(planes, first.shape[1], out=volume)


def backward(grad: Tensor, first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int, needed: Sequence[bool]) -> tuple[Tensor | None, ...]:
    """Return the needed ones of the derivatives by both features and flow.

    Autograd would keep a node and a temporary for each of the (2r+1)**2
    shifts, which more than doubles the time of a training step.
    """
    padded = F.pad(_warp(second, flow), (radius, ) * 4)
    of_first = torch.zeros_like(first) if needed[0] else None
    of_padded = torch.zeros_like(padded) if any(needed[1:]) else None
    windows = _windows(padded, radius)
    grads = (grad / first.shape[1]).split(1, dim=1)
    if of_first is not None:
        for here, window in zip(grads, windows):
            of_first.addcmul_(here, window)
    if of_padded is None:
        return of_first, None, None
    of_windows = _windows(of_padded, radius)
    for here, of_window in zip(grads, of_windows):
        of_window.addcmul_(here, first)
    of_warped = of_windows[len(of_windows) // 2].contiguous()
    if flow is None:
        return of_first, of_warped, None
    return of_first, *backward_warp_gradients(of_warped, second, flow,
                                              needed[1:])


def exported(first: Tensor, second: Tensor, flow: Tensor | None,
             radius: int) -> Tensor:
    """Return the cost volume for a graph, a column of the square at a time.

    An exported graph has no views to write into, and an operation for each
    of the (2r+1)**2 shifts would make its export last minutes.
    """
    side, width = 2 * radius + 1, first.shape[-1]
    padded = F.pad(_warp(second, flow), (radius, ) * 4)
    # N x C x (2r+1) x H x (W + 2r); without the copy, the windows overlap in
    # memory, and the graph would be bound to the size of its example.
    rows = padded.unfold(2, side, 1).permute(0, 1, 4, 2, 3).contiguous()
    first = first[:, :, None]
    # N x (2r+1) x (2r+1) x H x W
    volume = torch.stack([(first * rows[..., x:x + width]).mean(1)
                          for x in range(side)], dim=2)
    return volume.flatten(1, 2)


def _warp(second: Tensor, flow: Tensor | None) -> Tensor:
    return second if flow is None else backward_warp(second, flow)


def _windows(padded: Tensor, radius: int) -> list[Tensor]:
    """Return the view of a padded map at each shift, row by row."""
    side = 2 * radius + 1
    height, width = padded.shape[2] - 2 * radius, padded.shape[3] - 2 * radius
    return [
        padded[..., y:y + height, x:x + width] for y in range(side)
        for x in range(side)
    ]
