# SPDX-License-Identifier: Apache-2.0
"""Report of the check of one video: its frames, or why it is unusable."""
from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class VideoReport:
    """Size, rate and number of frames of a video, or why it is unusable.

    Attributes:
        frames: Number of frames that were decoded.
        height, width: Size as shown, in pixels.
        rate: Frames per second.
        rotation: Clockwise turn in degrees that the header asks for, and
            that the frames have; None if unknown.
        reason: Why the video cannot be used, None if it can.
        note: What is wrong with a video that can be used all the same.
        signature: :func:`file_signature` before it was read.
        is_lasting: Whether the same file would be described so again.
    """

    frames: int | None = None
    height: int | None = None
    width: int | None = None
    rate: float | None = None
    rotation: int | None = None
    reason: str | None = None
    note: str | None = None
    signature: tuple[int, int] | None = None
    is_lasting: bool = True


def file_signature(path: str) -> tuple[int, int] | None:
    """Return what changes with a file, None where there is none.

    It is the size in bytes and the time of the last change in nanoseconds.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns
