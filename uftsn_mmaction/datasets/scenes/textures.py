# SPDX-License-Identifier: Apache-2.0
"""Procedural textures: a pattern, mixed with another one, and fine grain."""
from __future__ import annotations

import cv2
import numpy as np

from .palette import random_palette
from .patterns import (
    blotches,
    cells,
    clouds,
    gradient,
    leaves,
    noise_field,
    stripes,
    strokes,
)

_PATTERNS = (clouds, gradient, blotches, stripes, cells, leaves, strokes)
_SHARES = (0.17, 0.08, 0.13, 0.14, 0.14, 0.24, 0.1)
_MIXED = 0.5
_GRAINY = 0.75
_MIN_CONTRAST = 6.  # standard deviation, grey levels


def random_texture(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw a texture, float32 RGB ``(side, side, 3)`` in grey levels.

    No detail is finer than about two texels, so that bilinear look-ups
    between the texels keep it. Some textures are nearly flat, none is a
    single colour.
    """
    picture = _pattern(rng, side)
    if rng.random() < _MIXED:
        share = rng.uniform(0.15, 0.7)
        if rng.random() < 0.5:
            # The other pattern shows in patches with soft or sharp borders.
            field = noise_field(rng, side, side * rng.uniform(0.1, 0.4))
            share = np.clip(rng.uniform(0.5, 10) * field + 0.5, 0, 1)
        picture = picture + share * (_pattern(rng, side) - picture)
    if rng.random() < _GRAINY:
        grain = noise_field(rng, side, rng.uniform(2.5, 6))
        picture = picture + np.float32(rng.uniform(1, 14)) * grain
    picture = cv2.GaussianBlur(
        picture.astype(np.float32), (0, 0), rng.uniform(0.6, 1.1))
    picture = np.clip(picture, 0, 255)
    deviation = float(cv2.meanStdDev(picture)[1].max())
    if deviation < _MIN_CONTRAST:
        mean = np.array(cv2.mean(picture)[:3], np.float32)
        gain = _MIN_CONTRAST / max(deviation, 0.1)
        picture = mean + np.float32(gain) * (picture - mean)
    return picture


def _pattern(rng: np.random.Generator, side: int) -> np.ndarray:
    draw = _PATTERNS[rng.choice(len(_PATTERNS), p=_SHARES)]
    return draw(rng, side, random_palette(rng)).astype(np.float32)


class TexturePool:
    """Textures that are used several times and renewed steadily.

    A new texture costs about as much as a pair of frames.

    Args:
        side: Side of a texture in texels.
        capacity: Number of textures that are kept; 0 draws a new one each
            time.
        renewal: Probability that a drawn texture is a new one, which takes
            the place of another.
    """

    def __init__(self, side: int, capacity: int, renewal: float) -> None:
        self._side, self._capacity, self._renewal = side, capacity, renewal
        self._textures: list[np.ndarray] = []

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return a texture of :func:`random_texture`, to be read."""
        if self._capacity == 0:
            return random_texture(rng, self._side)
        if len(self._textures) < self._capacity:
            self._textures.append(random_texture(rng, self._side))
            return self._textures[-1]
        index = int(rng.integers(self._capacity))
        if rng.random() < self._renewal:
            self._textures[index] = random_texture(rng, self._side)
        return self._textures[index]
