# SPDX-License-Identifier: Apache-2.0
"""The pictures that FlowPicturesHook has left in a work dir."""
from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from .page import jpeg

_NAME = re.compile(r'(flow_\d+_.+)_(\d+)\.png')
# Beyond any picture of the hook; a file of a stranger may claim more.
_PIXELS = 2**24
_CLIPS = 6


class FlowPicture(NamedTuple):
    """The flow of a clip at the beginning and at the end of a training.

    Attributes:
        clip: Name of the clip.
        shown: Epoch (or iteration) and JPEG file of each picture.
    """
    clip: str
    shown: list[tuple[int, bytes]]


def read_flow_pictures(work_dir: Path) -> list[FlowPicture]:
    """Return the first and the last picture of each clip, as JPEG files."""
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(work_dir.glob('*/vis_data/vis_image/flow_*.png')):
        match = _NAME.fullmatch(path.name)
        if match:
            # Of a resumed run the later one counts.
            found.setdefault(match[1], {})[int(match[2])] = path
    pictures = []
    for clip, paths in sorted(found.items()):
        images = [(step, _read(paths[step]))
                  for step in sorted({min(paths), max(paths)})]
        shown = [(step, jpeg(image)) for step, image in images
                 if image is not None]
        if shown:
            pictures.append(FlowPicture(clip.split('_', 2)[2], shown))
    return pictures[:_CLIPS]


def _read(path: Path) -> np.ndarray | None:
    """Read a picture; None if it is none, or too large."""
    try:
        with Image.open(path, formats=['PNG']) as image:
            width, height = image.size
            return (np.asarray(image.convert('RGB'))
                    if width * height <= _PIXELS else None)
    except (OSError, ValueError, SyntaxError,
            Image.DecompressionBombError):
        return None
