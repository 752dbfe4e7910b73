# SPDX-License-Identifier: Apache-2.0
"""Classes of the generated clips, a motion and an appearance each."""
from __future__ import annotations

# Name -> (degree of freedom that moves, its sign). A positive angle turns x
# into y, clockwise on a screen, where y points down.
MOTIONS = {
    'left': ('x', -1),
    'right': ('x', 1),
    'up': ('y', -1),
    'down': ('y', 1),
    'clockwise': ('angle', 1),
    'counterclockwise': ('angle', -1),
    'zoom_in': ('log_scale', 1),
    'zoom_out': ('log_scale', -1),
}
# Name -> sign on the axis from blue to red. The tints mirror each other
# (red and blue swapped), so that grey value and contrast are the same.
APPEARANCES = {'warm': 1, 'cool': -1}
CLASSES = tuple(f'{motion}-{appearance}' for motion in MOTIONS
                for appearance in APPEARANCES)


def join_label(motion_label: int, appearance_label: int) -> int:
    """Return the class index of a motion and an appearance."""
    return motion_label * len(APPEARANCES) + appearance_label


def split_label(label: int) -> tuple[int, int]:
    """Return the motion and the appearance index of a class index."""
    return divmod(label, len(APPEARANCES))
