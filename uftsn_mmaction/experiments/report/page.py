# SPDX-License-Identifier: Apache-2.0
"""Pages that need nothing but themselves.

Pictures are data URIs, the style sheet is inline, all text is escaped, and
the content security policy of a page forbids it to load or run anything.
"""
from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from ...fileio import AtomicLocalBackend
from ...visualization import figure_to_png

_QUALITY = 88


def write_page(path: Path, template: Path, **values: Any) -> None:
    """Write a page from a template that extends ``base.html`` beside this.

    Args:
        path: File to write, complete or not at all.
        template: File of the template.
        values: Values by their names in the template. The filter ``data_uri``
            takes figures, and pictures as bytes.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True)
    environment.filters['data_uri'] = _data_uri
    page = environment.get_template(template.name).render(**values)
    AtomicLocalBackend().put_text(page, path)


def jpeg(image: np.ndarray) -> bytes:
    """Return 8-bit RGB ``(H, W, 3)`` as a JPEG file, for photographs."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, 'JPEG', quality=_QUALITY)
    return buffer.getvalue()


def gif(frames: Sequence[np.ndarray], seconds: float) -> bytes:
    """Return an animation without end; a frame lasts some seconds."""
    first, *rest = (
        Image.fromarray(frame).quantize(
            256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        for frame in frames)
    buffer = io.BytesIO()
    first.save(buffer, 'GIF', save_all=True, append_images=rest, loop=0,
               duration=round(1000 * seconds))
    return buffer.getvalue()


def _data_uri(picture: Figure | bytes) -> str:
    data = picture if isinstance(picture, bytes) else figure_to_png(picture)
    kinds = {b'\x89PNG': 'png', b'GIF8': 'gif', b'\xff\xd8\xff\xe0': 'jpeg'}
    text = base64.b64encode(data).decode('ascii')
    return f'data:image/{kinds[data[:4]]};base64,{text}'
