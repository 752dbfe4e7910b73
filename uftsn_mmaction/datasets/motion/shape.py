# SPDX-License-Identifier: Apache-2.0
"""Random outlines: blobs, ellipses and convex polygons.

Convention: an outline lives in the coordinates of its own object, origin at
the centre, x to the right, y down, unit = image pixel at scale 1.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

# (x, y) -> signed distance to the outline, positive inside.
SignedDistance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def random_shape(rng: np.random.Generator, radius: float) -> SignedDistance:
    """Draw an outline with about the area of a disc of this radius.

    The function that is returned gives distances in pixels, to first order.
    """
    draw = (_blob, _ellipse, _polygon)[rng.integers(3)]
    return draw(rng, radius)


def _blob(rng: np.random.Generator, radius: float) -> SignedDistance:
    """Draw a circle, its radius modulated by four harmonics of the angle."""
    orders = np.arange(2, 6)
    amplitudes = rng.uniform(0, 0.24, orders.size) / orders
    phases = rng.uniform(0, 2 * np.pi, orders.size)

    def signed_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        angle = np.arctan2(y, x)
        outline, slope = np.ones_like(angle), np.zeros_like(angle)
        for order, amplitude, phase in zip(orders, amplitudes, phases):
            outline += amplitude * np.cos(order * angle + phase)
            slope -= amplitude * order * np.sin(order * angle + phase)
        # The radial gap, foreshortened where the outline runs obliquely.
        gap = radius * outline - np.hypot(x, y)
        return gap / np.hypot(1, slope / outline)

    return signed_distance


def _ellipse(rng: np.random.Generator, radius: float) -> SignedDistance:
    """Draw an ellipse with an axis ratio between 0.5 and 1."""
    ratio = np.sqrt(rng.uniform(0.5, 1))
    a, b = radius / ratio, radius * ratio

    def signed_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        level = np.hypot(x / a, y / b)
        slope = np.hypot(x / a**2, y / b**2) / np.maximum(level, 1e-6)
        return (1 - level) / np.maximum(slope, 1e-6)

    return signed_distance


def _polygon(rng: np.random.Generator, radius: float) -> SignedDistance:
    """Draw a convex polygon of four to seven edges."""
    edges = int(rng.integers(4, 8))
    angles = (np.arange(edges) + rng.uniform(-0.2, 0.2, edges)) * (
        2 * np.pi / edges)
    # A regular polygon of this inradius has the area of the disc.
    inradius = radius * np.sqrt(np.pi / (edges * np.tan(np.pi / edges)))
    distances = inradius * rng.uniform(0.9, 1.1, edges)

    def signed_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        gap = distances[0] - x * np.cos(angles[0]) - y * np.sin(angles[0])
        for distance, angle in zip(distances[1:], angles[1:]):
            gap = np.minimum(
                gap, distance - x * np.cos(angle) - y * np.sin(angle))
        return gap

    return signed_distance
