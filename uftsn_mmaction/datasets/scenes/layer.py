# SPDX-License-Identifier: Apache-2.0
"""A textured layer: what it looks like at the points of frame 2.

Everything that is painted on a layer is a function of the point q of frame 2
at which it is seen. Frame 1 shows it at the points that the motion of the
layer maps to q, so that its flow is exact in both frames.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .motion import Motion
from .outlines import MASK_DENSITY
from .settings import SceneSettings

# Points on the border of a square from -1 to 1, (2, 4, 8).
_EDGE = np.linspace(-1, 1, 8)
_SQUARE = np.stack([
    [_EDGE, _EDGE, np.ones(8), -np.ones(8)],
    [np.ones(8), -np.ones(8), _EDGE, _EDGE],
])


@dataclass(frozen=True, eq=False)
class Layer:
    """A plane with a texture, or the part of it inside an outline."""
    motion: Motion
    centre: np.ndarray  # (2, ), x before y, in frame 2
    texture: np.ndarray  # float32 (side, side, 3), grey levels
    to_texels: np.ndarray  # (2, 3), from frame 2 to the texture
    colours: np.ndarray  # (3, 4), from texture colours to those of the layer
    slope: np.ndarray  # (2, ), change of brightness per pixel
    mask: np.ndarray | None = None  # float32 (n, n) in [0, 1], no background

    def colour(self, points: np.ndarray) -> np.ndarray:
        """Return the colours at points ``(2, h, w)``, ``(h, w, 3)``."""
        (a, b, c), (d, e, f) = self.to_texels.tolist()
        x, y = points
        colour = cv2.remap(self.texture, a * x + b * y + c,
                           d * x + e * y + f, cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REFLECT_101)
        colour = cv2.transform(colour, self.colours)
        if self.slope.any():
            p, q = self.slope.tolist()
            level = p * x + q * y - float(self.slope @ self.centre)
            colour += cv2.merge([level] * 3)
        return colour

    def cover(self, points: np.ndarray) -> np.ndarray:
        """Return the opacity at points ``(2, h, w)``, ``(h, w)``."""
        middle = (self.mask.shape[0] - 1) / 2
        x, y = ((axis - centre) * MASK_DENSITY + middle
                for axis, centre in zip(points, self.centre.tolist()))
        return cv2.remap(self.mask, x, y, cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_CONSTANT)

    def region(self, size: tuple[int, int],
               first: bool) -> tuple[slice, slice]:
        """Return the rows and columns of a frame that the layer may cover."""
        if self.mask is None:
            return slice(0, size[0]), slice(0, size[1])
        reach = (self.mask.shape[0] + 1) / 2 / MASK_DENSITY
        border = reach * _SQUARE + self.centre[:, None, None]
        if first:
            border = self.motion.backward(border)
        # One more pixel for what bends between the points of the border.
        columns, rows = (
            slice(max(int(axis.min()) - 2, 0), max(int(axis.max()) + 3, 0))
            for axis in border)
        return rows, columns

    def smeared(self, share: float) -> Layer:
        """Return the layer as an exposure over a share of its motion shows it.

        The blur is a part of the layer, so that the flow stays exact.
        """
        start = self.motion.backward(self.centre[:, None, None])[:, 0, 0]
        path = share * (self.centre - start)
        texture = _smear(self.texture, self.to_texels[:, :2] @ path,
                         cv2.BORDER_REFLECT_101)
        mask = self.mask
        if mask is not None:
            path = path * MASK_DENSITY
            margin = int(np.ceil(np.abs(path).max() / 2)) + 1
            mask = cv2.copyMakeBorder(mask, *[margin] * 4,
                                      cv2.BORDER_CONSTANT)
            mask = _smear(mask, path, cv2.BORDER_CONSTANT)
        return replace(self, texture=texture, mask=mask)


def random_layer(rng: np.random.Generator, settings: SceneSettings,
                 motion: Motion, centre: np.ndarray, radius: float,
                 texture: np.ndarray, mask: np.ndarray | None = None) -> Layer:
    """Place a texture on a layer at random, and vary its colours.

    Args:
        rng: Source of the random numbers.
        settings: Ranges.
        motion: Motion of the layer.
        centre: Where its middle is seen in frame 2, ``(2, )``.
        radius: Its radius in pixels, for the shading.
        texture: float32 RGB ``(side, side, 3)``, grey levels.
        mask: Mask of :func:`random_mask`, or None for a background.
    """
    scale = np.exp(rng.uniform(*np.log(settings.texture_scale)))
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    # Where possible, the layer stays within the texture, which is mirrored
    # beyond its borders.
    side = texture.shape[0]
    margin = min(1.5 * radius * scale, side / 2)
    offset = rng.uniform(margin, side - margin, 2) - linear @ centre
    # Its own contrast and brightness, its channels in any order.
    mean = np.array(cv2.mean(texture)[:3])
    gain = rng.uniform(0.8, 1.8) * np.eye(3)[rng.permutation(3)]
    level = np.clip(mean.mean() + rng.normal(0, 35), 40, 215)
    shift = np.full(3, level - (gain @ mean).mean())
    bearing = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, settings.shading) / (2 * radius) * np.array(
        [np.cos(bearing), np.sin(bearing)])
    return Layer(motion, centre, texture,
                 np.hstack([linear, offset[:, None]]),
                 np.hstack([gain, shift[:, None]]), slope, mask)


def _smear(picture: np.ndarray, path: np.ndarray, border: int) -> np.ndarray:
    """Average a picture over shifts from ``-path / 2`` to ``path / 2``."""
    step, steps = path, []
    while np.hypot(*step) > 0.7:
        step = step / 2
        steps.append(step)
    # From the first shift on, so that nothing moves further than half a path.
    picture = _shift(picture, (step - path) / 2, border)
    for step in steps:
        # Twice as many shifts each time.
        picture = cv2.addWeighted(
            picture, 0.5, _shift(picture, step, border), 0.5, 0)
    return picture


def _shift(picture: np.ndarray, step: np.ndarray, border: int) -> np.ndarray:
    return cv2.warpAffine(
        picture, np.hstack([np.eye(2), step[:, None]]), picture.shape[1::-1],
        borderMode=border)
