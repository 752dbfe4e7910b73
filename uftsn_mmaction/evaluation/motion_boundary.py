# SPDX-License-Identifier: Apache-2.0
"""Motion boundaries: where the flow jumps from one pixel to the next."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def motion_boundary_mask(flow: Tensor,
                         known_mask: Tensor,
                         threshold: float = 0.5,
                         width: int = 3) -> Tensor:
    """Return a mask ``(N, H, W)``, true near the boundaries of a flow.

    A boundary lies between two neighbouring pixels of a row or column whose
    flows are known and differ by more than ``threshold``. The mask covers
    ``width`` pixels on either side of it (in a square, not in a circle).

    Args:
        flow: True flow ``(N, 2, H, W)``.
        known_mask: True where the flow is known, ``(N, H, W)``. The edge of
            an unknown area is not a motion boundary.
        threshold: Smallest difference at a boundary, in pixels of motion.
        width: Largest distance to the boundary, in pixels.
    """
    boundary = torch.zeros_like(known_mask)
    for dim in (-1, -2):
        left, right = _shifted(known_mask, dim)
        jump = torch.hypot(*flow.diff(dim=dim).unbind(1)) > threshold
        jump = jump & left & right
        # Both pixels of the pair are half a pixel away from the boundary.
        for side in _shifted(boundary, dim):
            side.logical_or_(jump)
    # A maximum over a window grows the mask by width - 1 pixels.
    return F.max_pool2d(
        boundary.float(), 2 * width - 1, stride=1, padding=width - 1) > 0


def _shifted(mask: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return views of the pixels that have a next one, and of the next."""
    size = mask.shape[dim] - 1
    return mask.narrow(dim, 0, size), mask.narrow(dim, 1, size)
