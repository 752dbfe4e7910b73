# SPDX-License-Identifier: Apache-2.0
"""Pictures with captions side by side, fast enough for each frame of a video.

A figure of matplotlib takes half a second.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from .figure import INK
from .flow_color import color_wheel_legend

_GAP = 8
_FONT = 14
_LINE = 20  # pixels
_NARROWEST = 240


class Tile(NamedTuple):
    """A picture with a text below it.

    Attributes:
        image: 8-bit RGB ``(H, W, 3)``; None for an empty place.
        caption: One line.
    """
    image: np.ndarray | None
    caption: str = ''


def tile(rows: Sequence[Sequence[Tile]]) -> np.ndarray:
    """Lay out tiles on a white ground.

    Pictures narrower than 240 pixels are enlarged. A caption that is too long
    gets smaller letters.

    Args:
        rows: Rows of tiles. All pictures have one size.

    Returns:
        8-bit RGB ``(H, W, 3)``.
    """
    height, width = next(place.image.shape[:2] for row in rows
                         for place in row if place.image is not None)
    factor = enlargement(width)
    height, width = height * factor, width * factor
    step_x, step_y = width + _GAP, height + _LINE + _GAP
    columns = max(map(len, rows))
    canvas = np.full((len(rows) * step_y + _GAP, columns * step_x + _GAP, 3),
                     255, np.uint8)
    for y, row in enumerate(rows):
        for x, place in enumerate(row):
            if place.image is None:
                continue
            image = place.image.repeat(factor, 0).repeat(factor, 1)
            top, left = _GAP + y * step_y, _GAP + x * step_x
            canvas[top:top + height, left:left + width] = image
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    for y, row in enumerate(rows):
        for x, place in enumerate(row):
            write_line(draw, (_GAP + x * step_x,
                              _GAP + y * step_y + height + 1),
                       place.caption, width)
    return np.asarray(picture)


def enlargement(width: int) -> int:
    """Return how many times a picture of that width is shown enlarged."""
    return max(1, -(-_NARROWEST // width))


def write_line(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str,
               room: int, color: str = INK, size: int = _FONT) -> None:
    """Write a line of text from its upper left corner into some pixels."""
    font = _font(fitting_size([text], room, size))
    draw.text(place, text, fill=color, font=font)


def fitting_size(texts: Sequence[str], room: int, size: int = _FONT) -> int:
    """Return the size of letters at which all texts fit, 7 at least."""
    while size > 7 and any(
            _font(size).getlength(text) > room for text in texts):
        size -= 1
    return size


def heat_map(values: np.ndarray, highest: float) -> np.ndarray:
    """Paint errors ``(H, W)`` from black (0) over red to pale yellow."""
    scaled = np.clip(np.nan_to_num(values) / highest, 0, 1)
    painted = cv2.applyColorMap(
        np.rint(255 * scaled).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return cv2.cvtColor(painted, cv2.COLOR_BGR2RGB)


def add_wheel(image: np.ndarray, share: float = 0.25) -> np.ndarray:
    """Put the colours of all directions into the lower right corner."""
    size = max(16, int(share * min(image.shape[:2])))
    wheel = color_wheel_legend(size)
    axis = np.linspace(-1, 1, size)
    inside = np.hypot(*np.meshgrid(axis, axis)) <= 1
    height, width = image.shape[:2]
    if size + 4 > min(height, width):
        return image
    image = image.copy()
    corner = image[height - size - 4:height - 4, width - size - 4:width - 4]
    corner[inside] = wheel[inside]
    return image


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(None), size)
