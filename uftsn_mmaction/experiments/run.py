# SPDX-License-Identifier: Apache-2.0
"""Lock, headings and failures of a run of several experiments.

A run locks its work directory (:func:`lock_folder`), checks all of its
experiments, then trains and tests one after the other;
:func:`note_failure` lets the next one follow after a failure.
"""
from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class RunError(RuntimeError):
    """A training or a test ended without its result."""


def announce(phase: str) -> None:
    """Print the name of what begins, apart from the logs around it."""
    print(f'\n=== {phase}', flush=True)


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is created.

    Raises:
        ValueError: If another run is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / '.lock', timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f'Another run is at work in {str(folder)!r}; wait for it, or '
            'choose another --work-dir') from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def note_failure(name: str, fail: Callable[[str], None]) -> Iterator[None]:
    """Print and note an expected failure of a block instead of raising it.

    Args:
        name: Name of the block for the user.
        fail: Called with the reason.
    """
    try:
        yield
    except (RunError, FileNotFoundError, ValueError) as error:
        fail(str(error))
        print(f'error: {name}: {error}', file=sys.stderr, flush=True)
