# SPDX-License-Identifier: Apache-2.0
"""Families of surfaces: each paints a square with the colours of a palette.

A pattern is called with the random numbers, the side of the square in texels
and a palette ``(6, 3)``, and returns a picture ``(side, side, 3)`` in grey
levels, uint8 or float32, which may reach beyond 0 and 255.
"""
from __future__ import annotations

import cv2
import numpy as np

from ..motion.texture import band_limited_noise


def noise_field(rng: np.random.Generator, side: int, shortest: float,
                channels: int = 1) -> np.ndarray:
    """Draw noise of wavelengths from ``shortest`` texels to the side.

    Returns:
        float32 ``(side, side, channels)``, deviation 1.
    """
    # A long wavelength needs few samples.
    step = 1
    while shortest / step >= 16 and side // step >= 32:
        step *= 2
    field = band_limited_noise(
        rng, side // step, min(shortest, side / 2) / step, 1, channels)
    if step > 1:
        field = cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
    return field.reshape(side, side, channels)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def clouds(rng: np.random.Generator, side: int,
           palette: np.ndarray) -> np.ndarray:
    """Paint noise of natural statistics with mostly grey contrast."""
    field = noise_field(rng, side, _log_uniform(rng, 2.5, side / 4), 3)
    contrast = rng.uniform(10, 60)
    axes = contrast * np.array(
        [[1, 1, 1], [0.4, 0, -0.4], [0.2, -0.4, 0.2]], np.float32)
    return field @ axes.astype(np.float32) + palette[0]


def gradient(rng: np.random.Generator, side: int,
             palette: np.ndarray) -> np.ndarray:
    """Paint two colours that blend smoothly."""
    field = noise_field(rng, side, side * rng.uniform(0.3, 0.5))
    return _blend(palette, 0.5 + rng.uniform(0.1, 0.4) * field[..., 0])


def blotches(rng: np.random.Generator, side: int,
             palette: np.ndarray) -> np.ndarray:
    """Paint noise that is cut into levels, like a map or camouflage."""
    field = noise_field(rng, side, _log_uniform(rng, 6, side / 4))[..., 0]
    level = (field * rng.uniform(0.5, 2.5) + 3).astype(np.int32)
    return palette[np.clip(level, 0, len(palette) - 1)]


def stripes(rng: np.random.Generator, side: int,
            palette: np.ndarray) -> np.ndarray:
    """Paint stripes, checks or dots, straight or warped like wood."""
    y, x = np.indices((side, side), dtype=np.float32)
    pitch = _log_uniform(rng, 6, side / 4)
    angle = rng.uniform(0, np.pi)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    along, across = cos * x + sin * y, cos * y - sin * x
    if rng.random() < 0.5:
        bend = noise_field(rng, side, side / 6)[..., 0]
        along += pitch * float(rng.uniform(0.1, 1.5)) * bend
    number = 2 * float(np.pi) / pitch
    wave = np.sin(number * along)
    kind = rng.integers(3)
    if kind == 1:
        wave *= np.sin(number * across)
    elif kind == 2:
        ratio = float(rng.uniform(0.5, 2))
        wave = np.maximum(wave, np.sin(ratio * number * across))
    sharpness, duty = _log_uniform(rng, 0.5, 8), float(rng.uniform(-0.6, 0.6))
    return _blend(palette, 0.5 + sharpness * (wave - duty))


def cells(rng: np.random.Generator, side: int,
          palette: np.ndarray) -> np.ndarray:
    """Paint the cells of random points, like stones, tiles or leather."""
    count = int(_log_uniform(rng, 12, side * side / 80))
    rest = np.full((side, side), 255, np.uint8)
    rest[rng.integers(0, side, count), rng.integers(0, side, count)] = 0
    distance, label = cv2.distanceTransformWithLabels(
        rest, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colour = palette[rng.integers(0, len(palette), label.max() + 1)]
    colour += rng.uniform(0, 15) * rng.standard_normal(colour.shape)
    picture = colour.astype(np.float32)[label]
    if rng.random() < 0.6:
        # Dark or light towards the border of a cell.
        relief = rng.choice([-1, 1]) * rng.uniform(20, 80) / distance.max()
        picture += float(relief) * distance[..., None]
    return picture


def leaves(rng: np.random.Generator, side: int,
           palette: np.ndarray) -> np.ndarray:
    """Paint shapes of many sizes on top of each other (dead leaves).

    Sizes follow the power law with which such pictures have the statistics
    of natural ones: scale invariance, sharp edges, occlusion.
    """
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = np.clip(palette[0], 0, 255)
    count = int(rng.integers(40, 250))
    smallest, largest = 0.008 * side, rng.uniform(0.15, 0.4) * side
    share = rng.random(count)
    radius = (smallest**-2 + share * (largest**-2 - smallest**-2))**-0.5
    # Large ones first, so that they do not bury all others.
    radius = np.sort(radius)[::-1] if rng.random() < 0.7 else radius
    colour = palette[rng.integers(1, len(palette), count)]
    colour = colour + 20 * rng.standard_normal((count, 3))
    colour = np.clip(colour, 0, 255).tolist()
    middle = rng.uniform(0, side, (count, 1, 2))
    corners = int(rng.integers(3, 9)) if rng.random() < 0.6 else 16
    angle = np.sort(rng.uniform(0, 2 * np.pi, (count, corners)))
    if corners == 16:
        angle[:] = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    points = np.stack([np.cos(angle), np.sin(angle)], -1)
    points *= radius[:, None, None] * rng.uniform(0.5, 1.5, (count, 1, 2))
    points = np.rint(16 * (points + middle)).astype(np.int32)
    for polygon, fill in zip(points, colour):
        cv2.fillConvexPoly(picture, polygon, fill, cv2.LINE_AA, 4)
    return picture


def strokes(rng: np.random.Generator, side: int,
            palette: np.ndarray) -> np.ndarray:
    """Paint lines and arcs, sparse or dense, like writing or twigs."""
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = np.clip(palette[0], 0, 255)
    count = int(_log_uniform(rng, 8, 120))
    length = side * _log_uniform(rng, 0.03, 0.4)
    start = rng.uniform(0, side, (count, 1, 2))
    steps = rng.normal(0, length / 2, (count, 4, 2))
    points = np.concatenate([start, start + steps.cumsum(1)], 1)
    points = np.rint(16 * points).astype(np.int32)
    colour = np.clip(palette[rng.integers(1, 4, count)], 0, 255).tolist()
    thickness = rng.integers(1, max(2, side // 40), count).tolist()
    for line, ink, width in zip(points, colour, thickness):
        cv2.polylines(picture, [line], False, ink, width, cv2.LINE_AA, 4)
    return picture


def _blend(palette: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mix the first two colours; ``share`` is cut to [0, 1]."""
    share = np.clip(share, 0, 1)[..., None]
    return palette[0] + share * (palette[1] - palette[0])
