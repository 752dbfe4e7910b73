# SPDX-License-Identifier: Apache-2.0
"""Lock, settings, headings and failures of a run of several experiments."""
from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

# A sentence with more of them is not read.
_NAMED_CHANGES = 3


class RunError(RuntimeError):
    """A training or a test ended without its result."""


def announce(phase: str) -> None:
    """Print the name of what begins, apart from the logs around it."""
    print(f'\n=== {phase}', flush=True)


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Create a folder, and raise a ValueError if another run is in it."""
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
    """Print an expected failure and give it to ``fail``, not to the caller."""
    try:
        yield
    except (RunError, FileNotFoundError, ValueError) as error:
        fail(str(error))
        print(f'error: {name}: {error}', file=sys.stderr, flush=True)


def differences(found: Any, wanted: Any, name: str = '') -> list[str]:
    """List the settings that differ; a missing one equals None.

    >>> differences(dict(model=dict(depth=18)), dict(model=dict(depth=34)))
    ['model.depth was 18, is 34']
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
    elif (isinstance(found, list) and isinstance(wanted, list)
          and len(found) == len(wanted)):
        keys = range(len(wanted))
        found, wanted = dict(enumerate(found)), dict(enumerate(wanted))
    elif found == wanted:
        return []
    else:
        return [f'{name} was {found!r}, is {wanted!r}']
    return [change for key in keys for change in differences(
        found.get(key), wanted.get(key), f'{name}.{key}'.lstrip('.'))]


def refuse_changes(folder: Path, found: Mapping[str, Any],
                   wanted: Mapping[str, Any], cure: str) -> None:
    """Raise a ValueError if the results in a folder have other settings."""
    changes = differences(found, wanted)
    if changes:
        raise ValueError(
            f'{str(folder)!r} holds a run of other settings '
            f'({"; ".join(changes[:_NAMED_CHANGES])}); give the same '
            f'settings, choose another --work-dir, or {cure}')
