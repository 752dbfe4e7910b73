# SPDX-License-Identifier: Apache-2.0
"""The Middlebury colour code: direction as hue, speed as saturation.

Baker et al., "A database and evaluation methodology for optical flow", 2011.
Right is red, down yellow, left light blue, up violet; no motion is white.
"""
from __future__ import annotations

import numpy as np

from ..evaluation.end_point_error import UNKNOWN_FLOW

# The wheel's colours and the number of steps from each to the next one.
_CORNERS = np.array([
    [255, 0, 0],  # red
    [255, 255, 0],  # yellow
    [0, 255, 0],  # green
    [0, 255, 255],  # cyan
    [0, 0, 255],  # blue
    [255, 0, 255],  # magenta
    [255, 0, 0],  # red again
]) / 255
_STEPS = (15, 6, 4, 11, 13, 6)


def color_wheel() -> np.ndarray:
    """The 55 saturated colours of the wheel, ``(55, 3)`` RGB in [0, 1]."""
    ends = np.concatenate(([0], np.cumsum(_STEPS)))
    positions = np.arange(ends[-1])
    return np.stack([np.interp(positions, ends, c) for c in _CORNERS.T], -1)


def max_flow_norm(flow: np.ndarray) -> float:
    """Largest known speed of flows ``(.., 2, H, W)``, in pixels.

    Returns:
        0 where no pixel is known.
    """
    flow = np.asarray(flow, dtype=np.float32)
    norm = np.hypot(flow[..., 0, :, :], flow[..., 1, :, :])
    return float(norm.max(initial=0, where=_known(flow)))


def flow_to_color(flow: np.ndarray,
                  max_norm: float | None = None) -> np.ndarray:
    """Paint a flow.

    Args:
        flow: Flow ``(.., 2, H, W)``, u (right) and v (down) in pixels. A
            batch shares one scale.
        max_norm: Speed in pixels that has the full colour; what is faster
            is darkened. The largest known speed by default.

    Returns:
        8-bit RGB picture ``(.., H, W, 3)``: white where the flow is zero,
        black where it is NaN, infinite or beyond 1e9.

    Raises:
        ValueError: The array is no flow, or ``max_norm`` is not positive.
    """
    flow = np.asarray(flow, dtype=np.float32)
    if flow.ndim < 3 or flow.shape[-3] != 2:
        raise ValueError('flow_to_color expects a flow (.., 2, H, W), got '
                         f'{flow.shape}; move the two channels there')
    if max_norm is None:
        # A flow of zeros is white on any scale.
        max_norm = max_flow_norm(flow) or 1.
    if not 0 < max_norm < np.inf:
        raise ValueError(f'max_norm must be a speed above 0 pixels, got '
                         f'{max_norm}')
    known = _known(flow)
    u, v = (np.where(known, channel, 0) / np.float32(max_norm)
            for channel in (flow[..., 0, :, :], flow[..., 1, :, :]))
    norm = np.hypot(u, v)[..., None]
    wheel = color_wheel().astype(np.float32)
    # From right, the wheel's first colour, clockwise, since v points down.
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * (len(wheel) - 1)
    index = np.floor(position).astype(int)
    between = (position - index)[..., None]
    hue = ((1 - between) * wheel[index] +
           between * wheel[(index + 1) % len(wheel)])
    # Room for the rounding of the fastest pixel itself.
    color = np.where(norm <= 1 + 1e-5, 1 - norm * (1 - hue), 0.75 * hue)
    color = np.where(known[..., None], color, 0)
    return np.round(255 * color.clip(0, 1)).astype(np.uint8)


def color_wheel_legend(size: int = 151) -> np.ndarray:
    """Picture of the colour code: a disk of all directions and speeds.

    Args:
        size: Side length in pixels; the disk touches the border, which is
            the full speed.

    Returns:
        8-bit RGB picture ``(size, size, 3)``, white outside of the disk.
    """
    if size < 3:
        raise ValueError(f'size of the colour wheel must be 3 pixels or '
                         f'more, got {size}')
    axis = np.linspace(-1, 1, size)
    flow = np.stack(np.meshgrid(axis, axis))
    outside = np.hypot(*flow) > 1
    flow[:, outside] = 0
    return flow_to_color(flow, max_norm=1)


def _known(flow: np.ndarray) -> np.ndarray:
    """True where the flow ``(.., 2, H, W)`` is known, ``(.., H, W)``."""
    # A NaN fails the comparison as well.
    return (np.abs(flow) <= UNKNOWN_FLOW).all(axis=-3)
