# SPDX-License-Identifier: Apache-2.0
"""Flows on disk that any number of workers share."""
from __future__ import annotations

import logging
import math
import os.path as osp
import stat
import zlib
from collections.abc import Callable
from pathlib import Path

import mmengine.fileio
import numpy as np
import torch
from mmengine.logging import print_log

# Rounded flow is 16-bit: with steps of 1/16, up to 2048 pixels.
_LOW, _HIGH = -2**15, 2**15 - 1
# 128 pixels of flow are then the most that the 16 bits hold.
_LEAST_STEP = 1 / 256


class FlowCache:
    """A folder with a small file for each flow.

    Flow is rounded to multiples of ``step``, each stored as its difference
    from the left neighbour, and compressed. A file takes its name once it is
    complete, so a worker finds all of it or nothing; two that need the same
    flow at a time compute it twice and store the same.

    The cache is an aid: a file that cannot be used is replaced, and flow that
    cannot be stored is returned all the same, each with a warning. Nothing
    in a file is trusted: it can neither run code nor unpack to more than the
    flow that is asked for.

    Args:
        folder: Where the files are; made when first needed.
        step: Size of a step in pixels. The rounding error is half of it.

    Raises:
        ValueError: ``step`` is no number from 1/256 up, or ``folder`` is a
            file.
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
        # Shared, or each worker of each epoch would say it again.
        self._write_failed = torch.zeros(1, dtype=torch.bool).share_memory_()

    def get(self, key: str, size: tuple[int, int],
            compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Flow from the disk, or computed and stored.

        Args:
            key: Hexadecimal name of the flow.
            size: Height and width.
            compute: Gives the flow ``(H, W, 2)`` where it is not there.

        Returns:
            Flow ``(H, W, 2)``, float32 in pixels; rounded also when it is
            new, so that training does not depend on what was there.
        """
        # A folder of a million files is slow on many file systems.
        path = Path(self.folder, key[:2], f'{key[2:]}.flow')
        try:
            steps = unpack_steps(self._read(path, size), size)
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

    @staticmethod
    def _read(path: Path, size: tuple[int, int]) -> bytes:
        # A pipe that someone put there would never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError('it is no file')
        with open(path, 'rb') as file:
            # What is longer is cut, and then found to be incomplete.
            return file.read(2 * _num_bytes(size) + 64)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            # A link that someone put there must not lead elsewhere.
            if path.is_symlink():
                path.unlink()
            mmengine.fileio.put(
                content, path, backend_args=dict(backend='atomic'))
        except OSError as error:
            if not self._write_failed:
                self._write_failed.fill_(True)
                _warn(f'Flow cannot be cached in {osp.abspath(self.folder)!r}'
                      f' ({error}); what is not there is computed each time. '
                      'Make room, or correct cache_dir of CachedFlow.')


def pack_steps(steps: np.ndarray) -> bytes:
    """Compress flow ``(H, W, 2)``, int16 in steps."""
    # H x W x 2 -> 2 x H x W: neighbours are alike, u and v are not.
    planes = steps.transpose(2, 0, 1)
    # Differences wrap around, and so does their sum.
    planes = np.diff(planes, axis=2, prepend=np.int16(0))
    return zlib.compress(planes.astype('<i2').tobytes())


def unpack_steps(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """Flow ``(H, W, 2)``, int16 in steps, as :func:`pack_steps` had it.

    Raises:
        ValueError: The content is not that of a flow of this size.
    """
    num_bytes = _num_bytes(size)
    stream = zlib.decompressobj()
    try:
        # A byte more, without which the checksum would not be reached.
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
