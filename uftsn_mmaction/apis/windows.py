# SPDX-License-Identifier: Apache-2.0
"""Parts of a long video that fit into memory."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..fileio.video_reader import Frame
from .source import Source

# At most so many pixels go through an estimator at a time: four pairs of
# 1280x720, one of 3840x2160.
_PIXELS_AT_A_TIME = 2**22


class Window(NamedTuple):
    """Consecutive frames of one source.

    Attributes:
        source: Number of the source.
        first: Number of the first frame, in steps of the stride.
        frames: Two frames or more.
    """
    source: int
    first: int
    frames: list[Frame]


def pairs_at_a_time(height: int, width: int, batch_size: int) -> int:
    """Return how many pairs of frames of a size are estimated at a time."""
    return min(batch_size, max(1, _PIXELS_AT_A_TIME // (height * width)))


def split_windows(number: int, source: Source, frames: Iterable[Frame],
                  first: int, batch_size: int) -> Iterator[Window]:
    """Split the frames of a source into windows that overlap by one frame.

    Args:
        number: Number of the source.
        source: Source, for messages.
        frames: Its frames.
        first: Number of the first of them.
        batch_size: Most pairs of a window.

    Raises:
        ValueError: If the source has a single frame, or frames of two sizes.
    """
    window: list[Frame] = []
    total = 0
    for frame in frames:
        total += 1
        if window and window[0].image.shape != frame.image.shape:
            raise ValueError(
                f'the frames of {source} change from {window[0].image.shape} '
                f'to {frame.image.shape}; convert the video to one size')
        window.append(frame)
        if len(window) > pairs_at_a_time(*frame.image.shape[:2], batch_size):
            yield Window(number, first, window)
            first += len(window) - 1
            window = window[-1:]
    if total < 2 and not first:
        raise ValueError(f'{source} has {total} frames at this stride, but a '
                         'flow needs two or more; leave it out')
    if len(window) > 1:
        yield Window(number, first, window)
