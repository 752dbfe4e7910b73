# SPDX-License-Identifier: Apache-2.0
"""Two frames of layers in motion, with flow and visibility."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .layer import Layer, random_layer
from .motion import MotionSampler
from .outlines import random_mask
from .photometric import photograph
from .settings import SceneSettings
from .textures import TexturePool

_MIN_RADIUS = 3.  # pixels


@dataclass(frozen=True, eq=False)
class ScenePair:
    """Two frames; index 0 belongs to frame 1, index 1 to frame 2.

    Each flow and mask lies on the pixels of its own frame.
    """
    frames: list[np.ndarray]  # RGB (H, W, 3)
    flow: np.ndarray  # float32 (2, 2, H, W), pixels, to the other frame
    visible: np.ndarray  # bool (2, H, W), true where the other frame shows it
    order: np.ndarray  # uint8 (2, H, W), the layer in front, from the back


class SceneSampler:
    """Random pairs of frames of one size.

    Args:
        size: Height and width in pixels, 32 or more.
        settings: Probabilities and ranges.

    Raises:
        TypeError: If ``size`` is not a pair.
        ValueError: If ``size`` is too small.
    """

    def __init__(self, size: tuple[int, int],
                 settings: SceneSettings) -> None:
        if not isinstance(size, (list, tuple)) or len(size) != 2:
            raise TypeError(
                f'size is {size!r}, expected (height, width) in pixels')
        if min(size) < 32:
            raise ValueError(f'size is {tuple(size)}, expected a height and '
                             'width of 32 pixels or more')
        self.size, self.settings = tuple(size), settings

    @property
    def texture_side(self) -> int:
        """Side of a texture; larger frames see it mirrored at its edges."""
        return min(max(2 * max(self.size), 128), 512)

    def draw(self, rng: np.random.Generator,
             textures: TexturePool) -> ScenePair:
        """Draw a pair with 8-bit frames, as a camera would take it."""
        layers = self.layers(rng, textures)
        if rng.random() < self.settings.motion_blur:
            share = rng.uniform(*self.settings.exposure)
            layers = [layer.smeared(share) for layer in layers]
        pair = render(layers, self.size)
        return ScenePair(photograph(rng, self.settings, pair.frames),
                         pair.flow, pair.visible, pair.order)

    def layers(self, rng: np.random.Generator,
               textures: TexturePool) -> list[Layer]:
        """Draw the layers of a scene, the background first."""
        height, width = self.size
        sampler = MotionSampler(rng, self.settings, self.size)
        background = sampler.background()
        middle = np.array([width - 1, height - 1]) / 2
        layers = [random_layer(rng, self.settings, background, middle,
                               max(self.size) / 2, textures.draw(rng))]
        least, largest = self.settings.objects
        for _ in range(int(rng.integers(least, largest + 1))):
            radius = min(self.size) * np.exp(
                rng.uniform(*np.log(self.settings.object_radius)))
            radius = max(radius, _MIN_RADIUS)
            place = rng.uniform(0, [width - 1, height - 1])
            motion, centre = sampler.of_object(place, background)
            soft = rng.random() < self.settings.soft
            blur = rng.uniform(*self.settings.softness) if soft else 0
            layers.append(random_layer(
                rng, self.settings, motion, centre, radius,
                textures.draw(rng), random_mask(rng, radius, blur)))
        return layers


def render(layers: Sequence[Layer], size: tuple[int, int]) -> ScenePair:
    """Render layers, the background first, without camera effects.

    Returns:
        The pair, its frames float32 in grey levels.
    """
    frames = [np.zeros((*size, 3), np.float32) for _ in range(2)]
    flow = np.zeros((2, 2, *size), np.float32)
    order = np.zeros((2, *size), np.uint8)
    for number, layer in enumerate(layers):
        for index in range(2):
            rows, columns = layer.region(size, first=index == 0)
            seen = points = _pixel_grid(size)[:, rows, columns]
            if points.size == 0:
                continue
            if index == 0:
                there = seen = layer.motion.forward(points)
            else:
                there = layer.motion.backward(points)
            colour = layer.colour(seen)
            if layer.mask is None:
                frames[index], flow[index] = colour, there - points
                continue
            cover = layer.cover(seen)
            part = frames[index][rows, columns]
            part += cv2.merge([cover] * 3) * (colour - part)
            front = cv2.compare(cover, 0.5, cv2.CMP_GE)
            for axis, moved in enumerate(there - points):
                cv2.copyTo(moved, front, flow[index, axis, rows, columns])
            order[index, rows, columns][front > 0] = number
    visible = np.stack([_visible(flow[0], order[0], order[1]),
                        _visible(flow[1], order[1], order[0])])
    return ScenePair(frames, flow, visible, order)


def _visible(flow: np.ndarray, order: np.ndarray,
             other: np.ndarray) -> np.ndarray:
    """Tell where the other frame shows a point.

    That is where the flow points inside of it, and no layer is there in
    front of the one to which the point belongs.
    """
    height, width = order.shape
    x, y = _pixel_grid(order.shape) + flow
    front = cv2.remap(other, x, y, cv2.INTER_NEAREST,
                      borderMode=cv2.BORDER_REPLICATE)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside & (front <= order)


@lru_cache(maxsize=8)
def _pixel_grid(size: tuple[int, int]) -> np.ndarray:
    """Return the pixel centres, x before y, ``(2, H, W)``, to be read."""
    y, x = np.indices(size, dtype=np.float32)
    return np.stack([x, y])
