# SPDX-License-Identifier: Apache-2.0
"""Program that reads videos to their end, and may be ended by one.

It gets one request a line on its standard input, ``{"path", "decoder"}`` in
JSON, and answers each by one line: ``{"frames", "height", "width", "rate",
"rotation"}``, or ``{"error"}``. It imports nothing of this package, so that it
starts fast.
"""
from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator

#: Bytes of memory after which a decoder gets no more.
MEMORY = 8 << 30


class Decord:
    """decord, given the path or, as ``DecordInit`` does, the bytes."""

    declared = None  # it counts the frames itself

    def __init__(self, path: str, from_memory: bool = False) -> None:
        import decord
        decord.logging.set_level(decord.logging.QUIET)
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(
                open(path, 'rb')) if from_memory else path
            self.reader = decord.VideoReader(source, num_threads=1)
        self.rate = self.reader.get_avg_fps()

    def frames(self) -> Iterator[tuple[int, ...]]:
        number = len(self.reader)
        for _ in range(number):
            yield self.reader.next().shape
        # Training reads frames in any order.
        for index in {0, number // 2, number - 1}:
            self.reader[index]


class OpenCV:
    """FFmpeg of OpenCV, which counts on the header or, streamed, does not."""

    def __init__(self, path: str, streamed: bool = False) -> None:
        import cv2
        self.capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        if not self.capture.isOpened():
            raise RuntimeError('OpenCV cannot open it')
        self.rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.declared = (None if streamed else int(
            self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rotation = int(
            self.capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360

    def frames(self) -> Iterator[tuple[int, ...]]:
        while True:
            success, frame = self.capture.read()
            if not success:
                return
            yield frame.shape


class PyAV:
    """PyAV."""

    declared = None  # a stream need not tell

    def __init__(self, path: str) -> None:
        import av
        self.container = av.open(path)
        self.stream = self.container.streams.video[0]
        self.rate = float(self.stream.average_rate or 0)

    def frames(self) -> Iterator[tuple[int, ...]]:
        for frame in self.container.decode(self.stream):
            yield frame.height, frame.width, 3


class TorchCodec:
    """torchcodec, which looks for all frames before it gives one."""

    declared = None

    def __init__(self, path: str) -> None:
        from torchcodec.decoders import VideoDecoder
        self.reader = VideoDecoder(
            path, dimension_order='NHWC', num_ffmpeg_threads=1)
        self.rate = self.reader.metadata.average_fps or 0

    def frames(self) -> Iterator[tuple[int, ...]]:
        for index in range(len(self.reader)):
            yield tuple(self.reader[index].shape)


DECODERS = dict(
    decord=Decord,
    decord_bytes=lambda path: Decord(path, from_memory=True),
    opencv=OpenCV,
    opencv_stream=lambda path: OpenCV(path, streamed=True),
    pyav=PyAV,
    torchcodec=TorchCodec)


def read(path: str, decoder: str, stay_alive: Callable[[], None]) -> dict:
    """Read a video to its end, and describe it.

    Args:
        path: File.
        decoder: Name among :data:`DECODERS`.
        stay_alive: Called after each frame.

    Raises:
        Exception: Whatever the decoder raises.
    """
    reader = DECODERS[decoder](path)
    number, shape = 0, None
    for shape in reader.frames():
        number += 1
        stay_alive()
        if len(shape) != 3 or shape[2] != 3:
            raise RuntimeError(f'its frames have the shape {tuple(shape)}, '
                               'expected three colours')
    if not number:
        raise RuntimeError('it holds no frame that can be decoded')
    # The pipeline will ask for any frame that is declared.
    declared = number if reader.declared is None else reader.declared
    if not 1 <= declared <= number:
        raise RuntimeError(f'it declares {declared} frames, but {number} can '
                           'be decoded')
    try:
        rotation = (reader if isinstance(reader, OpenCV) else
                    OpenCV(path)).rotation
    except (ImportError, RuntimeError):
        rotation = None
    return dict(
        frames=number, height=shape[0], width=shape[1],
        rate=round(reader.rate, 3), rotation=rotation)


def limit_memory() -> None:
    """Let a header that asks for 20 GB fail before the machine does."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    # The modules beside this program must not hide those of the decoders.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if folder != here]
    # SIGALRM ends this process even inside a decoder. Windows has none.
    alarm = getattr(signal, 'alarm', lambda seconds: None)
    time_limit = int(sys.argv[1])
    limit_memory()
    # A decoder that prints must not disturb the answers.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        alarm(time_limit)
        try:
            answer = read(request['path'], request['decoder'],
                          lambda: alarm(time_limit))
        except Exception as error:
            lines = str(error).strip().splitlines() or ['']
            answer = dict(error=f'{type(error).__name__}: {lines[0]}')
        alarm(0)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    main()
