# SPDX-License-Identifier: Apache-2.0
"""A file backend of MMEngine that never leaves half a file behind."""

import contextlib
import os
import uuid
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """Local files, each of which appears complete or not at all.

    MMEngine writes a checkpoint in place, so that a process killed meanwhile
    leaves a broken file under the name that ``--resume`` looks for. Here the
    bytes go to a temporary file in the same folder, are forced to the disk,
    and take the name in one step. Use it for checkpoints with::

        default_hooks = dict(
            checkpoint=dict(
                type='CheckpointHook',
                max_keep_ckpts=3,
                backend_args=dict(backend='atomic')))

    ``CheckpointHook`` removes the oldest checkpoint before it writes the new
    one; with ``max_keep_ckpts=1`` a kill in between leaves none, so keep two
    or more. A kill (not an exception) leaves one hidden file
    ``.<name>.<id>.tmp``, which nothing reads and which may be deleted.

    Reading, listing and removing files is that of ``LocalBackend``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes, replacing an existing file in one step.

        Args:
            obj: Content of the file.
            filepath: Path of the file; missing folders are made.

        Raises:
            OSError: If the file cannot be written; an older file of this
                name is then as it was.
        """
        # A link stays a link: what it points to is replaced.
        target = Path(os.path.realpath(filepath))
        target.parent.mkdir(parents=True, exist_ok=True)
        # Renaming is atomic within one file system only, hence this folder.
        temporary = target.with_name(f'.{target.name}.{uuid.uuid4().hex}.tmp')
        try:
            with open(temporary, 'xb') as file:
                file.write(obj)
                file.flush()
                # Without this a power cut can leave the name without bytes.
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
            raise
        _sync_folder(target.parent)

    def put_text(self,
                 obj: str,
                 filepath: Union[str, Path],
                 encoding: str = 'utf-8') -> None:
        """Write text, replacing an existing file in one step.

        Args:
            obj: Content of the file; line ends are written as they are.
            filepath: Path of the file; missing folders are made.
            encoding: Encoding of the file.

        Raises:
            OSError: As for :meth:`put`.
            UnicodeEncodeError: If the encoding lacks a character.
        """
        self.put(obj.encode(encoding), filepath)


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk, where the system allows it."""
    # Windows opens no folders, and some network file systems sync none; the
    # file is complete all the same.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
