# SPDX-License-Identifier: Apache-2.0
"""One video, camera or clip, whatever it is read from."""
from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from ..datasets.video_check.container import why_no_file
from ..datasets.video_check.report import file_signature
from ..fileio.video_reader import (
    DEFAULT_RATE,
    Frame,
    open_capture,
    read_frames,
    read_pictures,
    read_rate,
)


class Pair(NamedTuple):
    """Two frames and the number of the first one, in steps of the stride."""
    index: int
    first: Frame
    second: Frame


class Source:
    """A video, camera or clip, whose frames are read one at a time.

    Args:
        origin: Path, address, number of a camera, paths of pictures, or
            8-bit RGB frames ``(T, H, W, 3)``.
        name: Name for results, a relative path without suffix and blanks.
        label: Class, if a list tells it.

    Attributes:
        is_live: Whether it is a camera or an address, which cannot be read
            twice.
    """

    def __init__(self, origin: str | int | list[str] | np.ndarray,
                 name: str, label: int | None = None) -> None:
        self.origin = origin
        self.name = name
        self.label = label
        self.is_live = isinstance(origin, int) or (
            isinstance(origin, str) and '://' in origin)

    def __str__(self) -> str:
        return self.name if isinstance(
            self.origin, (list, np.ndarray)) else str(self.origin)

    @property
    def path(self) -> str | None:
        """Video file on this machine, None if it is something else."""
        return (self.origin if isinstance(self.origin, str)
                and not self.is_live else None)

    @property
    def signature(self) -> list[int] | None:
        """Return numbers that change with the file; None without a file."""
        found = file_signature(self.path) if self.path else None
        return None if found is None else list(found)

    @property
    def num_frames(self) -> int | None:
        """Number of frames, as far as it is known without reading them."""
        if isinstance(self.origin, (list, np.ndarray)):
            return len(self.origin)
        if self.is_live:
            return None
        capture = self._open()
        number = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        return number if number > 0 else None

    @property
    def rate(self) -> float:
        """Mean number of frames per second."""
        if isinstance(self.origin, (list, np.ndarray)):
            return DEFAULT_RATE
        capture = self._open()
        rate = read_rate(capture)
        capture.release()
        return rate

    def frames(self,
               stride: int = 1,
               size: int | None = None,
               start: int = 0) -> Iterator[Frame]:
        """Yield each ``stride``-th frame.

        Args:
            stride: Frames from one to the next that is yielded.
            size: Shorter side in pixels; None for the size of the source.
            start: Number of the first of these to yield.

        Raises:
            ValueError: If the source cannot be opened or read.
        """
        if isinstance(self.origin, np.ndarray):
            frames = (Frame(self.origin[number], number / DEFAULT_RATE)
                      for number in range(
                          start * stride, len(self.origin), stride))
        elif isinstance(self.origin, list):
            frames = read_pictures(self.origin, DEFAULT_RATE, stride, start)
        else:
            capture = self._open()
            frames = read_frames(capture, read_rate(capture), stride, start)
        for image, time in frames:
            yield Frame(resize_short_side(image, size), time)

    def pairs(self,
              stride: int = 1,
              size: int | None = None,
              number: int | None = None) -> Iterator[Pair]:
        """Yield pairs of frames: all, or some that are spread over it.

        Args:
            stride, size: As of :meth:`frames`.
            number: Number of pairs; None for all.

        Raises:
            ValueError: If the source cannot be read, or has a single frame.
        """
        chosen = None if number is None else self.spread(stride, number)
        frames = self.frames(stride, size)
        index = None
        for index, (first, second) in enumerate(pairwise(frames)):
            if chosen is None or index in chosen:
                yield Pair(index, first, second)
                if chosen is not None and index == max(chosen):
                    frames.close()
                    return
        if index is None:
            raise ValueError(f'{self} has a single frame at this stride, but '
                             'a flow needs two or more; leave it out')

    def spread(self, stride: int, number: int) -> set[int]:
        """Return pairs in the middle of that many equal parts."""
        frames = self.num_frames
        if frames is None:  # it has no end
            return set(range(number))
        pairs = max(1, (frames - 1) // stride)
        return {int((part + 0.5) / number * pairs) for part in range(number)}

    def _open(self) -> cv2.VideoCapture:
        if self.path is not None:
            reason = why_no_file(self.path)
            if reason is not None:
                raise ValueError(f'video {self.path!r} cannot be opened: '
                                 f'{reason}')
        return open_capture(self.origin)


def resize_short_side(image: np.ndarray, size: int | None) -> np.ndarray:
    """Bring the shorter side of a frame to a number of pixels."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    if size is None or size == shorter:
        return image
    shape = (max(1, round(width * size / shorter)),
             max(1, round(height * size / shorter)))
    # The mean over the area of a coarse pixel avoids aliasing.
    method = cv2.INTER_AREA if size < shorter else cv2.INTER_LINEAR
    try:
        return cv2.resize(image, shape, interpolation=method)
    except cv2.error as error:  # too large for the memory
        raise ValueError(f'frames of {width}x{height} cannot be resized to '
                         f'{shape[0]}x{shape[1]} ({error.err}); choose a '
                         'smaller size') from None
