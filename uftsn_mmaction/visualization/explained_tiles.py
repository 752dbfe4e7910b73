# SPDX-License-Identifier: Apache-2.0
"""A pair of frames, and rows of what flows make of it."""
from __future__ import annotations

import numpy as np

from ..evaluation.explained_flow import Explained
from .flow_color import flow_to_color
from .tiles import Tile, add_wheel, heat_map

# Grey levels that are shown in the brightest colour.
_GREY_LEVELS = 64


def frames_row(first: np.ndarray, second: np.ndarray, max_norm: float,
               name: str) -> list[Tile]:
    """Show both frames, their difference and the colours of all directions.

    The difference is the photometric error of zero flow.

    Args:
        first, second: 8-bit RGB frames ``(H, W, 3)``.
        max_norm: Speed in pixels that has the full colour.
        name: Name of the pair.
    """
    zero = np.abs(first.astype(float) - second).mean(-1)
    blank = np.full_like(first, 255)
    return [
        Tile(first, name),
        Tile(second, 'the frame after it'),
        Tile(heat_map(zero, _GREY_LEVELS),
             f'difference: {zero.mean():.2f} grey levels'),
        Tile(add_wheel(blank, 0.8), f'full colour: {max_norm:.1f} px')]


def explained_row(result: Explained, name: str,
                  max_norm: float) -> list[Tile]:
    """Show a flow, the second frame warped by it, and its two errors."""
    errors = result.errors
    return [
        Tile(flow_to_color(result.flow, max_norm), name),
        Tile(result.warped, 'second frame, warped'),
        Tile(heat_map(result.photometric, _GREY_LEVELS),
             f'photometric: {errors["photometric"]:.2f} grey levels'),
        Tile(heat_map(result.forward_backward, max(1., max_norm / 4)),
             f'forward-backward: {errors["forward_backward"]:.2f} px')]
