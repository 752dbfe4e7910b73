# SPDX-License-Identifier: Apache-2.0
"""Outlines of objects, painted as anti-aliased masks."""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Samples of a mask per pixel of the frame.
MASK_DENSITY = 2
# OpenCV takes points in units of 1/16 sample.
_FRACTION_BITS = 4
_TURN = np.linspace(0, 2 * np.pi, 72, endpoint=False)


def random_mask(rng: np.random.Generator, radius: float,
                blur: float = 0) -> np.ndarray:
    """Draw an outline and paint it.

    Args:
        rng: Source of the random numbers.
        radius: Radius that it has about, in pixels.
        blur: Standard deviation of a blur of its edge, in pixels.

    Returns:
        float32 ``(n, n)``, 1 inside, with the centre of the object in the
        middle, at ``MASK_DENSITY`` samples per pixel. The border is 0.
    """
    radius = radius * MASK_DENSITY
    draw = _OUTLINES[rng.choice(len(_OUTLINES), p=_SHARES)]
    strokes, thickness = draw(rng, radius)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)],
                     [-np.sin(angle), np.cos(angle)]])
    strokes = [points @ turn for points in strokes]
    reach = max(np.abs(points).max() for points in strokes)
    blur = blur * MASK_DENSITY
    middle = int(np.ceil(reach + thickness / 2 + 3 * blur)) + 4
    mask = np.zeros((2 * middle + 1, ) * 2, np.uint8)
    strokes = [np.rint((points + middle) * 2**_FRACTION_BITS).astype(np.int32)
               for points in strokes]
    if thickness:
        cv2.polylines(mask, strokes, False, 255, thickness, cv2.LINE_AA,
                      _FRACTION_BITS)
    else:
        # Where outlines overlap an even number of times there is a hole.
        cv2.fillPoly(mask, strokes, 255, cv2.LINE_AA, _FRACTION_BITS)
    mask = mask.astype(np.float32) / 255
    if blur:
        # The kernel ends within the margin, so that the border stays 0.
        width = 2 * int(3 * blur) + 1
        mask = cv2.GaussianBlur(mask, (width, width), blur)
    return mask


# Each outline is a list of contours (points, 2) and the thickness of a
# stroke along them, or 0 for an area that is filled.
_Outline = tuple[Sequence[np.ndarray], int]


def _polar(radius: np.ndarray | float, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _ellipse(rng: np.random.Generator, radius: float) -> _Outline:
    axes = np.exp(rng.uniform(-0.5, 0.5, 2))
    return [_polar(radius, _TURN) * axes], 0


def _blob(rng: np.random.Generator, radius: float) -> _Outline:
    """Draw a circle, its radius modulated by harmonics of the angle."""
    return [_polar(radius * _ripple(rng, 0.5), _TURN)], 0


def _ripple(rng: np.random.Generator, size: float) -> np.ndarray:
    order = np.arange(2, 9)[:, None]
    amplitude = size * rng.uniform(-1, 1, order.shape) / order
    phase = rng.uniform(0, 2 * np.pi, order.shape)
    return np.exp((amplitude * np.cos(order * _TURN + phase)).sum(0))


def _polygon(rng: np.random.Generator, radius: float) -> _Outline:
    """Draw a polygon of three to eight corners, convex or not."""
    corners = int(rng.integers(3, 9))
    angle = np.arange(corners) + rng.uniform(-0.3, 0.3, corners)
    length = radius * rng.uniform(rng.choice([0.35, 0.9]), 1.2, corners)
    return [_polar(length, angle * (2 * np.pi / corners))], 0


def _bar(rng: np.random.Generator, radius: float) -> _Outline:
    width = radius * rng.uniform(0.08, 0.6)
    return [_box(1.5 * radius, max(width, 1.5 * MASK_DENSITY))], 0


def _box(half_length: float, half_width: float) -> np.ndarray:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return corners * [half_length, half_width]


def _ring(rng: np.random.Generator, radius: float) -> _Outline:
    outer = _polar(radius * _ripple(rng, rng.uniform(0, 0.3)), _TURN)
    return [outer, outer * rng.uniform(0.4, 0.85)], 0


def _grid(rng: np.random.Generator, radius: float) -> _Outline:
    """Draw bars side by side, a fence."""
    count = int(rng.integers(2, 6))
    pitch = 2 * radius / count
    width = max(pitch * rng.uniform(0.15, 0.35), 0.75 * MASK_DENSITY)
    bar = _box(radius * rng.uniform(0.6, 1.2), width)
    offset = (np.arange(count) - (count - 1) / 2) * pitch
    return [bar + [0, y] for y in offset], 0


def _branches(rng: np.random.Generator, radius: float) -> _Outline:
    """Draw thin curved strokes that meet in the middle."""
    along = np.linspace(0, 1.3, 12)
    start, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1, 6)
    bearing = start + np.arange(rng.integers(2, 7)) * 2.4
    strokes = [_polar(radius * along, angle + turn * along)
               for angle, turn in zip(bearing, bend)]
    return strokes, int(MASK_DENSITY * rng.uniform(1.2, 4))


_OUTLINES = (_ellipse, _blob, _polygon, _bar, _ring, _grid, _branches)
_SHARES = (0.17, 0.25, 0.25, 0.1, 0.06, 0.07, 0.1)
