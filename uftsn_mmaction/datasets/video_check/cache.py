# SPDX-License-Identifier: Apache-2.0
"""Reports of videos that have been read, kept between runs."""
from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from .report import VideoReport, file_signature

# Part of the file name: raise it whenever a report changes its meaning.
_VERSION = 1


def cache_file() -> Path:
    """Return the file of all reports of this user."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'uftsn_mmaction' / f'videos_{_VERSION}.sqlite'


class ReportCache:
    """Reports by path, size, time of the last change, and decoder.

    Several processes may use it at a time. Where the file cannot be used,
    nothing is kept.

    Args:
        decoder: Name of the decoder.
    """

    def __init__(self, decoder: str) -> None:
        self.decoder = decoder
        self._database: sqlite3.Connection | None = None
        self._new: list[tuple] = []
        path = cache_file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60)
            self._database.execute(
                'CREATE TABLE IF NOT EXISTS videos (path TEXT, decoder TEXT, '
                'size INTEGER, time INTEGER, report TEXT, '
                'PRIMARY KEY (path, decoder))')
        except (OSError, sqlite3.Error):
            self.close()

    def lock(self, paths: Sequence[str]) -> AbstractContextManager:
        """Let one process at a time read these videos."""
        if self._database is None:
            return nullcontext()
        digest = sha256('\0'.join(paths).encode(errors='surrogateescape'))
        return FileLock(cache_file().with_name(f'{digest.hexdigest()}.lock'))

    def find(self, paths: Iterable[str]) -> dict[str, VideoReport]:
        """Return the reports of the files that have not changed."""
        found = {}
        for path in paths:
            row = self._select(path)
            if row and file_signature(path) == row[:2]:
                found[path] = VideoReport(
                    **json.loads(row[2]), signature=row[:2])
        return found

    def keep(self, path: str, report: VideoReport) -> None:
        """Note a report, for :meth:`save` to write."""
        if report.is_lasting and report.signature is not None:
            text = asdict(replace(report, signature=None))
            del text['signature']
            self._new.append((path, self.decoder, *report.signature,
                              json.dumps(text)))

    def save(self) -> None:
        """Write what was noted."""
        if self._database is not None:
            # UnicodeEncodeError: of a file name that is no text.
            with suppress(sqlite3.Error, UnicodeEncodeError), self._database:
                self._database.executemany(
                    'INSERT OR REPLACE INTO videos VALUES (?, ?, ?, ?, ?)',
                    self._new)
        self._new.clear()

    def close(self) -> None:
        """Keep nothing from now on."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _select(self, path: str) -> tuple | None:
        if self._database is None:
            return None
        try:
            return self._database.execute(
                'SELECT size, time, report FROM videos '
                'WHERE path = ? AND decoder = ?',
                (path, self.decoder)).fetchone()
        except (sqlite3.Error, UnicodeEncodeError):
            return None
