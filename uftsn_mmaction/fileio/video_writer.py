# SPDX-License-Identifier: Apache-2.0
"""Videos and animations from frames, complete or not there at all."""
from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from .video_reader import open_capture, quiet_opencv

#: Codecs by the end of the name, the preferred one first. OpenCV's wheels
#: bring no H.264 encoder; one that has it is used, and MPEG-4 otherwise,
#: which players show, but browsers do not.
CODECS = {
    '.avi': ('MJPG', ),
    '.mkv': ('avc1', 'mp4v'),
    '.mp4': ('avc1', 'mp4v'),
    '.webm': ('VP80', )
}
#: Ends of the names that can be written.
SUFFIXES = (*CODECS, '.gif')

# A GIF counts hundredths of a second, and browsers slow down below two.
_GIF_RATE = 50


def check_video_name(path: str | Path, option: str = '--out') -> None:
    """Refuse the name of a video in a format that cannot be written.

    Raises:
        ValueError: If its end is not one of :data:`SUFFIXES`.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ValueError(f'{option} is {str(path)!r}, expected a name that '
                         f'ends with one of {", ".join(SUFFIXES)}')


class VideoWriter:
    """Write a video of constant rate from frames with their times.

    A frame is repeated, or left out, so that the video runs as long as its
    source. Used in a ``with`` statement: the file appears at its end, and
    only if there was no error. An odd row or column is cut off.

    Args:
        path: File to write; missing folders are made. The end of its name,
            one of :data:`SUFFIXES`, sets the format.
        rate: Frames per second.

    Attributes:
        num_frames: Number of frames that are in the file.

    Raises:
        ValueError: If the end of the name is another one.
    """

    def __init__(self, path: str | Path, rate: float) -> None:
        check_video_name(path, 'path')
        self.path = Path(path)
        self.num_frames = 0
        suffix = self.path.suffix.lower()
        self.rate = min(rate, _GIF_RATE) if suffix == '.gif' else rate
        self._temporary = self.path.with_name(
            f'.{self.path.stem}.{uuid.uuid4().hex}{suffix}')
        self._encoder: _Encoder | None = None
        self._start: float | None = None

    def __enter__(self) -> VideoWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def add(self, image: np.ndarray, time: float | None = None) -> None:
        """Add a frame.

        Args:
            image: 8-bit RGB ``(H, W, 3)``, of the size of the first one.
            time: Seconds; None for right after the frame before.

        Raises:
            RuntimeError: If no encoder can write the first frame.
        """
        image = np.ascontiguousarray(
            image[:image.shape[0] // 2 * 2, :image.shape[1] // 2 * 2])
        if self._encoder is None:
            self._encoder = _open(self._temporary, self.rate, image.shape)
        if time is None:
            until = self.num_frames + 1
        else:
            self._start = time if self._start is None else self._start
            until = round((time - self._start) * self.rate) + 1
        for _ in range(self.num_frames, until):
            self._encoder.add(image)
            self.num_frames += 1

    def __exit__(self, kind: type | None, *_: Any) -> None:
        try:
            if self._encoder is not None:
                self._encoder.close()
                if kind is None:
                    self._check()
                    os.replace(self._temporary, self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._temporary)

    def _check(self) -> None:
        # An encoder says nothing when it cannot write.
        try:
            open_capture(str(self._temporary)).release()
        except ValueError:
            raise OSError(f'{str(self.path)!r} cannot be written; is the disk '
                          'full?') from None


class _Encoder:
    """FFmpeg of OpenCV."""

    def __init__(self, writer: cv2.VideoWriter) -> None:
        self._writer = writer

    def add(self, image: np.ndarray) -> None:
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        self._writer.release()


class _Gif:
    """Pillow. The frames wait in memory, with 256 colours."""

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._frames: list[Image.Image] = []

    def add(self, image: np.ndarray) -> None:
        self._frames.append(Image.fromarray(image).quantize(
            256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))

    def close(self) -> None:
        first, *rest = self._frames
        first.save(self._path, save_all=True, append_images=rest, loop=0,
                   duration=1000 / self._rate)


def _open(path: Path, rate: float, shape: tuple[int, ...]) -> _Encoder | _Gif:
    suffix = path.suffix.lower()
    if suffix == '.gif':
        return _Gif(path, rate)
    for codec in CODECS[suffix]:
        with quiet_opencv():
            writer = cv2.VideoWriter(
                str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec),
                rate, (shape[1], shape[0]))
        if writer.isOpened():
            return _Encoder(writer)
        writer.release()
    raise RuntimeError(
        f'OpenCV {cv2.__version__} cannot write {suffix} video of '
        f'{shape[1]}x{shape[0]} pixels; install the opencv-contrib-python '
        f'wheel, or choose another of {", ".join(SUFFIXES)}')
