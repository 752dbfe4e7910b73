# SPDX-License-Identifier: Apache-2.0
"""Read files of optical flow as data only.

The format follows from the ending of the name:

- ``.flo`` of the Middlebury benchmark: little-endian float32 202021.25, int32
  width, int32 height, then u and v of each pixel as float32, row by row;
- ``.png`` of the KITTI benchmark: 16-bit RGB, u and v as ``64 * value +
  2**15`` in red and green, blue not 0 where the flow is known;
- ``.npy``: an array ``(2, H, W)`` or ``(H, W, 2)``.

MMCV decodes the first two. It trusts the size in a header, so each file is
checked before it is decoded.
"""
from __future__ import annotations

import os.path as osp
import struct
from pathlib import Path

import numpy as np
from mmcv.video import flow_from_bytes, sparse_flow_from_bytes

from .paths import check_input_file

#: Most pixels of a flow, 8192 x 8192.
MAX_PIXELS = 2**26

#: Middlebury marks unknown flow by larger values.
UNKNOWN_FLOW = 1e9

#: Magic number, width and height of a ``.flo``.
FLO_HEADER = struct.Struct('<fii')
FLO_MAGIC = 202021.25
# Signature, length and name of the first chunk, width, height, bits, colours.
_PNG_HEADER = struct.Struct('>8sI4sIIBB')
_PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_PNG_RGB = 2


def read_flow(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the true flow of a pair of frames.

    Returns:
        Flow ``(2, H, W)``, float32, u (right) and v (down) in pixels, NaN
        where it is unknown; and the mask ``(H, W)``, true where it is known.
        Flow is unknown where it is marked so, not finite, or beyond 1e9.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has another format, is damaged or too large.
    """
    reader = _READERS.get(osp.splitext(path)[1].lower())
    if reader is None:
        raise ValueError(f'flow file {path!r} must end with one of '
                         f'{", ".join(_READERS)}; convert it')
    check_input_file(path, f'flow file {path!r}')
    flow = reader(path)
    known = is_known(flow, 0)
    return np.where(known, flow, np.float32(np.nan)), known


def is_known(flow: np.ndarray, channel_axis: int) -> np.ndarray:
    """Return a mask that is true where a flow is finite and within 1e9.

    The flow is an array or a tensor; the mask lacks the axis of u and v.
    """
    # A NaN fails the comparison as well.
    return (abs(flow) <= UNKNOWN_FLOW).all(channel_axis)


def _read_flo(path: str) -> np.ndarray:
    length = osp.getsize(path)
    with open(path, 'rb') as file:
        header = file.read(FLO_HEADER.size)
        if len(header) < FLO_HEADER.size:
            raise _fault(path, f'it has {length} bytes, fewer than a header')
        magic, width, height = FLO_HEADER.unpack(header)
        if magic != FLO_MAGIC:
            raise _fault(path, f'it does not begin with {FLO_MAGIC}')
        _check_size(path, height, width)
        expected = FLO_HEADER.size + 8 * width * height
        if length != expected:
            raise _fault(
                path, f'its header promises {width}x{height} pixels, which '
                f'are {expected} bytes, but it has {length}')
        flow = flow_from_bytes(header + file.read(8 * width * height))
    return np.ascontiguousarray(np.moveaxis(flow, -1, 0))


def _read_png(path: str) -> np.ndarray:
    content = Path(path).read_bytes()
    if len(content) < _PNG_HEADER.size:
        raise _fault(path, f'it has {len(content)} bytes, fewer than a header')
    signature, _, chunk, width, height, bits, colours = (
        _PNG_HEADER.unpack_from(content))
    if signature != _PNG_SIGNATURE or chunk != b'IHDR':
        raise _fault(path, 'it is not a PNG')
    if (bits, colours) != (16, _PNG_RGB):
        raise _fault(path, 'it is not a 16-bit RGB picture')
    # A picture can take far more memory than its file.
    _check_size(path, height, width)
    try:
        flow, valid = sparse_flow_from_bytes(content)
    except Exception:  # OpenCV's error, or one from using None
        valid = np.empty(0)
    if valid.shape != (height, width):
        raise _fault(path, 'it cannot be decoded')
    return np.where(valid > 0, np.moveaxis(flow, -1, 0), np.float32(np.nan))


def _read_npy(path: str) -> np.ndarray:
    try:
        # A memory map cannot be larger than its file.
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    except Exception as error:  # a bad header can fail in any way
        cause = str(error).strip().split('\n')[0].rstrip('.')
        raise _fault(path, f'it is not a plain array ({cause})') from None
    if (not isinstance(array, np.ndarray) or array.ndim != 3
            or not np.issubdtype(array.dtype, np.floating)):
        raise _fault(path, 'it has no array of floats with three dimensions')
    if array.shape[0] != 2:
        array = np.moveaxis(array, -1, 0)
    if array.shape[0] != 2:
        raise _fault(path, 'it has neither (2, H, W) nor (H, W, 2)')
    _check_size(path, *array.shape[1:])
    return np.array(array, np.float32)


def _check_size(path: str, height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise _fault(
            path, f'its size is {width}x{height}, where 1 to {MAX_PIXELS} '
            'pixels are expected')


def _fault(path: str, reason: str) -> ValueError:
    return ValueError(f'flow file {path!r} cannot be used: {reason}; get the '
                      'file again, or leave its pair out')


_READERS = {'.flo': _read_flo, '.png': _read_png, '.npy': _read_npy}
