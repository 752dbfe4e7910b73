# SPDX-License-Identifier: Apache-2.0
"""Cache of flows on disk, shared by any number of workers."""
from __future__ import annotations

import logging
import math
import os.path as osp
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log

from ...fileio.atomic import AtomicLocalBackend

# Rounded flow is 16-bit: with steps of 1/16, up to 2048 pixels.
_LOW, _HIGH = -2**15, 2**15 - 1
# With this step, 16 bits hold flow up to 128 pixels.
_LEAST_STEP = 1 / 256


class FlowCache:
    """Folder with a small file for each flow.

    Flow is rounded to multiples of ``step`` (in pixels), stored as
    differences from the left neighbour, and compressed. Files are written
    atomically; two workers that need the same flow at the same time both
    compute it.

    A file that cannot be used is replaced, and flow that cannot be stored is
    returned all the same, each with a warning. Files are not trusted: they
    can neither run code nor unpack to more than the expected flow.

    Raises:
        ValueError: If ``step`` is not a number from 1/256 up, or ``folder``
            is a file.
    """

    def __init__(self, folder: str, step: float) -> None:
        if not (isinstance(step, (int, float))
                and _LEAST_STEP <= step < math.inf):
            raise ValueError('step of CachedFlow must be 1/256 or more '
                             f'(pixels), got {step!r}; 1/16 is a good choice')
        for path in (Path(folder), *Path(folder).parents):
            if path.is_file():
                raise ValueError(
                    f'cache_dir of CachedFlow must be a folder, but '
                    f'{osp.abspath(path)!r} is a file; name another folder')
        self.folder = folder
        self.step = step
        # Shared, so that the workers warn once.
        self._write_failed = torch.zeros(1, dtype=torch.bool).share_memory_()

    def get(self, key: str, size: tuple[int, int],
            compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Read a flow ``(H, W, 2)``, or compute and store it.

        New flow is rounded too, so that training does not depend on the state
        of the cache.

        Args:
            key: Hexadecimal name of the flow.
            size: Height and width.
            compute: Function that computes the flow.
        """
        # A folder of a million files is slow on many file systems.
        path = Path(self.folder, key[:2], f'{key[2:]}.flow')
        try:
            # Reading a pipe would never end.
            if not stat.S_ISREG(path.stat().st_mode):
                raise ValueError('it is not a file')
            with open(path, 'rb') as file:
                # A longer file is cut here and refused when it is unpacked.
                content = file.read(2 * _num_bytes(size) + 64)
            steps = unpack_steps(content, size)
        except FileNotFoundError:
            steps = None
        except (OSError, ValueError) as error:
            _warn(f'Cached flow {osp.abspath(path)!r} cannot be used '
                  f'({error}) and is computed again.')
            steps = None
        if steps is None:
            steps = np.rint(compute() / self.step)
            steps = steps.clip(_LOW, _HIGH).astype(np.int16)
            self._write(path, pack_steps(steps))
        return steps * np.float32(self.step)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            # A link must not redirect the write.
            if path.is_symlink():
                path.unlink()
            AtomicLocalBackend().put(content, path)
        except OSError as error:
            if not self._write_failed:
                self._write_failed.fill_(True)
                _warn(f'Flow cannot be cached in {osp.abspath(self.folder)!r}'
                      f' ({error}) and is computed each time. Make room, or '
                      'correct cache_dir of CachedFlow.')


def pack_steps(steps: np.ndarray) -> bytes:
    """Compress flow ``(H, W, 2)``, int16 in steps."""
    # H x W x 2 -> 2 x H x W: neighbours are alike, u and v are not.
    planes = steps.transpose(2, 0, 1)
    # Differences wrap around, and so does their sum.
    planes = np.diff(planes, axis=2, prepend=np.int16(0))
    return zlib.compress(planes.astype('<i2').tobytes())


def unpack_steps(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """Undo :func:`pack_steps`, and refuse content of another size."""
    num_bytes = _num_bytes(size)
    stream = zlib.decompressobj()
    try:
        # One byte more, to reach the checksum.
        data = stream.decompress(content, num_bytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not stream.eof or stream.unused_data or len(data) != num_bytes:
        raise ValueError(f'not a whole flow of {size[0]} x {size[1]} pixels')
    planes = np.frombuffer(data, '<i2').reshape(2, *size)
    planes = planes.cumsum(axis=2, dtype=np.int16)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def _num_bytes(size: tuple[int, int]) -> int:
    return 2 * 2 * size[0] * size[1]


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
