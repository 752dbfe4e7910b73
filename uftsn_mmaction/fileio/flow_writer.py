# SPDX-License-Identifier: Apache-2.0
"""Write flow in the formats that :mod:`.flow_file` reads, and as pictures.

All functions but :func:`write_flo` return the bytes of a file.
"""
from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from .atomic import AtomicLocalBackend
from .flow_file import FLO_HEADER, FLO_MAGIC, UNKNOWN_FLOW, is_known


def write_flo(path: str | Path, flow: np.ndarray) -> None:
    """Write a flow ``(2, H, W)`` as ``.flo``, complete or not at all."""
    AtomicLocalBackend().put(flo_bytes(flow), path)


def flo_bytes(flow: np.ndarray) -> bytes:
    """Return the Middlebury file of a flow ``(2, H, W)`` in pixels.

    What is not finite is marked as unknown.

    Examples:
        >>> len(flo_bytes(np.zeros((2, 4, 5), np.float32)))
        172
    """
    marked = np.where(np.isfinite(flow), flow, 10 * UNKNOWN_FLOW)
    header = FLO_HEADER.pack(FLO_MAGIC, flow.shape[2], flow.shape[1])
    # 2 x H x W -> H x W x 2
    return header + np.moveaxis(marked, 0, -1).astype('<f4').tobytes()


def npy_bytes(flow: np.ndarray) -> bytes:
    """Return the NumPy file of a flow ``(2, H, W)``, float32."""
    file = io.BytesIO()
    np.save(file, np.asarray(flow, np.float32), allow_pickle=False)
    return file.getvalue()


def kitti_bytes(flow: np.ndarray) -> bytes:
    """Return the KITTI picture of a flow ``(2, H, W)``.

    It holds steps of 1/64 pixel up to 512 pixels; larger and unknown flow is
    marked unknown.
    """
    steps = np.rint(np.nan_to_num(flow) * 64) + 2**15
    known = is_known(flow, 0) & ((steps >= 0) & (steps < 2**16)).all(0)
    # OpenCV takes blue, green, red.
    picture = np.stack((known, *steps[::-1]), axis=-1) * known[..., None]
    return _encoded('.png', picture.astype(np.uint16))


def rawframe_bytes(flow: np.ndarray, bound: float = 20.) -> list[bytes]:
    """Return two grey JPEG pictures, of u and of v, of a flow ``(2, H, W)``.

    They are those that TSN and its successors train on: from ``-bound`` to
    ``bound`` pixels in 256 steps, zero flow at 128, as denseflow rounds.
    """
    scaled = np.clip(np.nan_to_num(flow) / bound, -1, 1)
    steps = np.rint((scaled + 1) * 127.5).astype(np.uint8)
    return [_encoded('.jpg', channel) for channel in steps]


def picture_bytes(image: np.ndarray) -> bytes:
    """Return the PNG file of an 8-bit RGB picture ``(H, W, 3)``."""
    return _encoded('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def _encoded(suffix: str, image: np.ndarray) -> bytes:
    _, data = cv2.imencode(suffix, image)
    return data.tobytes()
