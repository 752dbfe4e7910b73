# SPDX-License-Identifier: Apache-2.0
"""Frames of videos, cameras and picture files, one at a time.

OpenCV decodes: it is there on every system, takes an address and a camera as
well as a path, turns frames as the header asks, and tells their times.
"""
from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

# Read by FFmpeg when it is first used: its own messages say nothing to a
# user, since what fails here raises an error.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

import cv2  # noqa: E402

#: Frames per second where a video does not tell.
DEFAULT_RATE = 25.
# Beyond, the header holds another number, such as a clock.
_FASTEST = 1000

#: Ends of the names of pictures.
PICTURES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp')


class Frame(NamedTuple):
    """A frame and its time.

    Attributes:
        image: 8-bit RGB ``(H, W, 3)``.
        time: Seconds from the start.
    """
    image: np.ndarray
    time: float


def open_capture(source: str | int) -> cv2.VideoCapture:
    """Open a file, an address or a camera.

    Raises:
        ValueError: If OpenCV cannot.
    """
    capture = None
    # OpenCV raises one of a camera's number that is no 32-bit integer.
    with quiet_opencv(), contextlib.suppress(cv2.error):
        capture = (cv2.VideoCapture(source) if isinstance(source, int) else
                   cv2.VideoCapture(source, cv2.CAP_FFMPEG))
    if capture is None or not capture.isOpened():
        kind = 'camera' if isinstance(source, int) else 'video'
        raise ValueError(f'{kind} {source!r} cannot be opened; expected a '
                         'video file, an address that FFmpeg reads, or the '
                         'number of a camera such as 0')
    return capture


def read_rate(capture: cv2.VideoCapture) -> float:
    """Return the mean number of frames per second."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    if math.isfinite(rate) and 0 < rate <= _FASTEST:
        return rate
    return DEFAULT_RATE


def read_frames(capture: cv2.VideoCapture,
                rate: float,
                stride: int = 1,
                start: int = 0) -> Iterator[Frame]:
    """Yield each ``stride``-th frame, and release the source at the end.

    Args:
        capture: Source that was just opened.
        rate: Frames per second, for the times that it does not tell.
        stride: Frames from one to the next that is yielded.
        start: Number of the first of these to yield.
    """
    last = -math.inf
    number = 0
    try:
        while capture.grab():
            kept, rest = divmod(number, stride)
            number += 1
            if rest or kept < start:
                continue
            time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not math.isfinite(time) or time <= last:
                time = (number - 1) / rate
            last = max(last, time)
            success, image = capture.retrieve()
            if not success:
                return
            yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), time)
    finally:
        capture.release()


def read_pictures(paths: Sequence[str],
                  rate: float = DEFAULT_RATE,
                  stride: int = 1,
                  start: int = 0) -> Iterator[Frame]:
    """Yield picture files of one size as the frames of a video.

    Raises:
        ValueError: If a file is no picture, or has another size.
    """
    size = None
    for number in range(start * stride, len(paths), stride):
        path = paths[number]
        with quiet_opencv():
            image = cv2.imread(path, cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f'picture {path!r} cannot be read; repair it or '
                             'leave it out')
        if size not in (None, image.shape):
            raise ValueError(
                f'picture {path!r} has {image.shape[1]}x{image.shape[0]} '
                f'pixels, but those before it {size[1]}x{size[0]}; give the '
                'frames of a clip one size')
        size = image.shape
        yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), number / rate)


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Let OpenCV print nothing about what it tries."""
    logging = cv2.utils.logging
    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
