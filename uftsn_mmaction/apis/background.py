# SPDX-License-Identifier: Apache-2.0
"""Decode and write while the processor computes."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar('T')


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an iterator, of which a thread makes the next one.

    OpenCV and PyTorch let other threads run meanwhile.

    Examples:
        >>> list(ahead(iter(range(3))))
        [0, 1, 2]
    """
    end = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item


class Background:
    """A thread that does one thing after the other, used by ``with``.

    Args:
        room: Most things that wait, so that they need no more memory.
    """

    def __init__(self, room: int = 16) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future] = deque()
        self._room = room

    def do(self, function: Callable, *args: Any) -> None:
        """Let the thread call a function; raise what an earlier one raised."""
        if len(self._waiting) >= self._room:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(function, *args))

    def wait(self) -> None:
        """Wait until all is done; raise what was raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(cancel_futures=True)
