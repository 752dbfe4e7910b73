# SPDX-License-Identifier: Apache-2.0
"""Lossless video files from arrays."""
from __future__ import annotations

import os

import cv2
import mmcv
import numpy as np

# decord, PyAV and OpenCV decode FFV1 bit by bit. Of the other codecs that
# OpenCV writes, Motion JPEG, MPEG-4 and raw YUV halve the resolution of
# colour, and the lossless ones make larger files.
_CODEC = 'FFV1'


def write_video(path: str, frames: np.ndarray, fps: float = 25) -> None:
    """Write frames without loss, and check the file by reading it back.

    Args:
        path: File to write, ``.avi`` or ``.mkv``, in an existing folder.
        frames: uint8 RGB ``(T, H, W, 3)``, H and W even.
        fps: Frames per second.

    Raises:
        ValueError: If the frames are another kind of array, or the decoder
            cannot read their size.
        RuntimeError: If OpenCV cannot write the codec or the whole file.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f'frames are {frames.dtype} of shape {frames.shape}, expected '
            'uint8 (T, H, W, 3)')
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        # OpenCV would silently cut off the last row or column.
        raise ValueError(
            f'frames are {height} x {width} pixels, expected even numbers for '
            'the video encoder')
    codec = cv2.VideoWriter_fourcc(*_CODEC)
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, codec, fps, (width, height))
    if not writer.isOpened():
        raise RuntimeError(
            f'OpenCV {cv2.__version__} cannot write {_CODEC} video to '
            f'{os.path.abspath(path)!r}; check that the folder exists, or '
            'install the opencv-contrib-python wheel, which brings FFmpeg')
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))  # to BGR
    writer.release()
    if not np.array_equal(_read_back(path, width), frames):
        raise RuntimeError(
            f'{os.path.abspath(path)!r} does not hold the {len(frames)} '
            'frames that were written to it; is the disk full?')


def _read_back(path: str, width: int) -> np.ndarray:
    """Decode all frames, with decord if installed; none if broken."""
    try:
        import decord
    except ImportError:  # it has no wheels for Arm and macOS
        frames = list(mmcv.VideoReader(path))
        return np.array(frames)[..., ::-1] if frames else np.empty(0)
    try:
        reader = decord.VideoReader(path, num_threads=1)
    except (decord.DECORDError, RuntimeError):  # empty, or without its end
        return np.empty(0)
    try:
        return reader.get_batch(range(len(reader))).asnumpy()
    except decord.DECORDError as error:
        # At widths such as 48 and 72, with any codec, decord mistakes the
        # padding of its rows for pixels.
        raise ValueError(
            f'decord cannot read frames that are {width} pixels wide; choose '
            'another width, such as 64 or 96') from error
