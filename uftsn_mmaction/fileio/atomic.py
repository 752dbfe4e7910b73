# SPDX-License-Identifier: Apache-2.0
"""Write files that appear complete or not at all."""
from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

from mmengine.fileio import LocalBackend, register_backend


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """Local file backend of MMEngine whose writes are atomic.

    MMEngine writes a checkpoint in place, so a killed process leaves a broken
    file under the name that ``--resume`` looks for. This backend writes to a
    temporary file in the same folder, syncs it to disk and renames it. Use it
    for checkpoints with::

        default_hooks = dict(
            checkpoint=dict(
                type='SafeCheckpointHook',
                max_keep_ckpts=3,
                backend_args=dict(backend='atomic')))

    A kill, unlike an exception, leaves a hidden file ``.<name>.<id>.tmp``,
    which nothing reads, see :func:`remove_leftovers`.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes in one step; missing folders are made.

        Raises:
            OSError: If the file cannot be written. An existing file is then
                unchanged.
        """
        # Replace the target of a link, not the link.
        target = Path(os.path.realpath(filepath))
        target.parent.mkdir(parents=True, exist_ok=True)
        # Renaming is atomic only within one file system.
        temporary = target.with_name(f'.{target.name}.{uuid.uuid4().hex}.tmp')
        try:
            with open(temporary, 'xb') as file:
                file.write(obj)
                file.flush()
                # Otherwise a power cut can leave an empty file of this name.
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
            raise
        # Sync the new name too. Windows cannot open a folder and some network
        # file systems cannot sync one; the file is complete either way.
        with contextlib.suppress(OSError):
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def put_text(self,
                 obj: str,
                 filepath: str | Path,
                 encoding: str = 'utf-8') -> None:
        """Write text as :meth:`put` does, with its line ends unchanged."""
        self.put(obj.encode(encoding), filepath)


def remove_leftovers(folder: str | Path) -> None:
    """Remove what killed processes have left half written in a folder.

    No other process may be writing there.
    """
    for path in Path(folder).glob('.*.tmp'):
        if re.fullmatch(r'\..+\.[0-9a-f]{32}\.tmp', path.name):
            path.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file, complete or not at all; make missing folders."""
    AtomicLocalBackend().put_text(json.dumps(content, indent=2) + '\n', path)
