# SPDX-License-Identifier: Apache-2.0
"""Motion boundaries: where the flow jumps from one pixel to the next."""
from __future__ import annotations

import torch
from torch import Tensor


def motion_boundary_mask(flow: Tensor,
                         known_mask: Tensor,
                         threshold: float = 0.5,
                         width: int = 3) -> Tensor:
    """True near the motion boundaries of a true flow.

    A boundary lies between two neighbouring pixels of a row or column whose
    flows are known and differ by more than ``threshold``. Marked are the
    ``width`` pixels on either side of it (in a square, not in a circle).

    Args:
        flow: True flow ``(N, 2, H, W)``.
        known_mask: True where the flow is known, ``(N, H, W)``. The edge of
            an unknown area is no motion boundary.
        threshold: Smallest difference at a boundary, in pixels of motion.
        width: Largest distance to the boundary, in pixels.

    Returns:
        Mask ``(N, H, W)``.
    """
    boundary = torch.zeros_like(known_mask)
    for dim in (-1, -2):
        left, right = _shifted(known_mask, dim)
        jump = torch.hypot(*flow.diff(dim=dim).unbind(1)) > threshold
        jump = jump & left & right
        # Both pixels of the pair are half a pixel away from the boundary.
        for side in _shifted(boundary, dim):
            side.logical_or_(jump)
    for dim in (-1, -2):
        for _ in range(width - 1):
            boundary = _grow(boundary, dim)
    return boundary


def _shifted(mask: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Views of all pixels with a next one, and of those next ones."""
    size = mask.shape[dim] - 1
    return mask.narrow(dim, 0, size), mask.narrow(dim, 1, size)


def _grow(mask: Tensor, dim: int) -> Tensor:
    """The mask and its neighbours along a dimension."""
    grown = mask.clone()
    left, right = _shifted(mask, dim)
    grown_left, grown_right = _shifted(grown, dim)
    grown_left.logical_or_(right)
    grown_right.logical_or_(left)
    return grown
