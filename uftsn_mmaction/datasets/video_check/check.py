# SPDX-License-Identifier: Apache-2.0
"""Read many videos at a time, each once."""
from __future__ import annotations

import math
import os.path as osp
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from queue import SimpleQueue

from mmengine.dist import is_main_process

from ...progress import track
from .cache import ReportCache
from .reading import VideoReading, look_at_file
from .report import VideoReport

# Videos after which the reports are written to disk, in case of a kill.
_SAVE_EVERY = 100
_WORTH_A_START = 8


def check_videos(paths: Sequence[str],
                 decoder: str | None,
                 workers: int = 4,
                 time_limit: int = 60) -> dict[str, VideoReport]:
    """Read each video in a child process, unless that was done before.

    Args:
        paths: Files.
        decoder: Name among ``DECODERS`` of ``child_reader``; None looks at
            the files without a decoder.
        workers: Number of child processes.
        time_limit: Seconds without a frame after which a video is given up.

    Returns:
        Reports by path, in order.

    Raises:
        ValueError: If ``workers`` or ``time_limit`` is below 1.
    """
    if workers < 1 or time_limit < 1:
        raise ValueError('workers and time_limit of a video check must be 1 '
                         f'or more, got {workers} and {time_limit}')
    if decoder is None:
        return {path: look_at_file(path) for path in paths}
    absolute = list(dict.fromkeys(map(osp.abspath, paths)))
    with closing(ReportCache(decoder)) as cache:
        found = cache.find(absolute)
        if len(found) < len(absolute):
            with cache.lock(absolute):
                # Another process may have read them meanwhile.
                found = cache.find(absolute)
                unread = [path for path in absolute if path not in found]
                reports = _read_all(unread, decoder, workers, time_limit)
                for number, (path, report) in enumerate(reports, 1):
                    found[path] = report
                    cache.keep(path, report)
                    if number % _SAVE_EVERY == 0:
                        cache.save()
                cache.save()
    return {path: found[osp.abspath(path)] for path in paths}


def _read_all(paths: Sequence[str], decoder: str, workers: int,
              time_limit: int) -> Iterator[tuple[str, VideoReport]]:
    """Yield each path and its report, in order."""
    if not paths:
        return
    idle: SimpleQueue[VideoReading] = SimpleQueue()

    def describe(path: str) -> VideoReport:
        reading = idle.get()
        try:
            return reading.describe(path)
        finally:
            idle.put(reading)

    with ExitStack() as stack:
        # The start of a process takes as long as some short videos.
        workers = min(workers, math.ceil(len(paths) / _WORTH_A_START))
        for _ in range(workers):
            reading = VideoReading(decoder, time_limit)
            idle.put(stack.enter_context(closing(reading)))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        # An interruption must not wait for all that is in the queue.
        stack.callback(pool.shutdown, cancel_futures=True)
        reports = pool.map(describe, paths)
        if len(paths) > _SAVE_EVERY and is_main_process():
            print(f'Reading {len(paths)} videos for the first time')
            reports = track(reports, len(paths), 'videos')
        yield from zip(paths, reports)
