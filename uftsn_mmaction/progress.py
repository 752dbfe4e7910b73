# SPDX-License-Identifier: Apache-2.0
"""How far a long work is, on a terminal and in a file."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TextIO, TypeVar

T = TypeVar('T')

# Seconds between two looks at a terminal, and between two lines of a log.
_TERMINAL, _LOG = 0.2, 30.


class Progress:
    """Count what is done and estimate the time left, used by ``with``.

    On a terminal it is one line that changes; in a pipe or a file, a line
    now and then. It is plain text, without colours.

    Args:
        total: Number of things to do; None if it is not known.
        unit: What they are called, in the plural.
        file: Where it is shown; standard error by default.
    """

    def __init__(self,
                 total: int | None,
                 unit: str,
                 file: TextIO | None = None) -> None:
        self.total = total
        self.unit = unit
        self.done = 0
        self._file = file or sys.stderr
        self._on_terminal = self._file.isatty()
        self._begin = self._shown_at = time.monotonic()

    def __str__(self) -> str:
        """Return the state, such as ``30 of 90 pairs, 10.0 a second, ...``"""
        seconds = time.monotonic() - self._begin
        rate = self.done / seconds if seconds else 0.
        text = str(self.done)
        if self.total is not None:
            text += f' of {self.total}'
        text += f' {self.unit}, {rate:.1f} a second'
        if rate and self.total is not None and self.done < self.total:
            left = timedelta(seconds=round((self.total - self.done) / rate))
            text += f', {left} left'
        return text

    def update(self, number: int = 1) -> None:
        """Count things that are done now."""
        self.done += number
        now = time.monotonic()
        if now - self._shown_at >= (_TERMINAL if self._on_terminal else _LOG):
            self._shown_at = now
            self._show('\r' if self._on_terminal else '\n')

    def _show(self, end: str) -> None:
        # Blanks cover what is left of a longer line.
        text = f'{self!s:60}' if self._on_terminal else str(self)
        self._file.write(text + end)
        self._file.flush()

    def close(self) -> None:
        """Show the last state, and leave its line."""
        if self.done:
            self._show('\n')

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def track(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Yield items, and show how many of them are done.

    Examples:
        >>> list(track('ab', 2, 'letters'))
        ['a', 'b']
    """
    with Progress(total, unit) as progress:
        for item in items:
            yield item
            progress.update()
