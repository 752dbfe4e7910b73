# SPDX-License-Identifier: Apache-2.0
"""Class names with their percentages as bars below a picture."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from .figure import INK, MUTED
from .tiles import fitting_size, write_line

_LINE = 20
_BAR = '#a6c8e8'
_HEAD = 6


def prediction_panel(probabilities: Mapping[str, np.ndarray],
                     class_names: Sequence[str], width: int,
                     top: int = 3) -> np.ndarray:
    """Draw the likeliest classes of each stream, a column for each.

    Args:
        probabilities: Of each class ``(num_classes, )``, by stream; nothing
            where it is not known yet.
        class_names: Name of each class.
        width: Width in pixels.
        top: Number of classes.

    Returns:
        8-bit RGB ``(H, width, 3)``; H depends on ``top`` alone.
    """
    top = min(top, len(class_names))
    panel = Image.new('RGB', (width, panel_height(top)), 'white')
    draw = ImageDraw.Draw(panel)
    room = width // max(1, len(probabilities)) - 2 * _HEAD
    shown = {
        name: [(float(values[index]),
                f'{100 * values[index]:3.0f} %  {class_names[index]}')
               for index in np.argsort(-values)[:top]]
        for name, values in probabilities.items()
    }
    # One size for all, which need not change from frame to frame.
    size = fitting_size([f'100 %  {name}' for name in class_names], room - 3)
    for column, (name, lines) in enumerate(shown.items()):
        left = column * (room + 2 * _HEAD) + _HEAD
        write_line(draw, (left, 2), name, room, MUTED)
        for line, (value, text) in enumerate(lines, 1):
            y = line * _LINE + 2
            draw.rectangle(
                (left, y, left + int(room * value), y + _LINE - 3), _BAR)
            write_line(draw, (left + 3, y), text, room - 3, INK, size)
    return np.asarray(panel)


def panel_height(top: int) -> int:
    """Return the height of a panel in pixels, an even number."""
    return (top + 1) * _LINE + 6
