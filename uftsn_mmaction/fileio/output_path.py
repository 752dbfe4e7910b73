# SPDX-License-Identifier: Apache-2.0
"""Paths of results, checked before the work that leads to them."""
from __future__ import annotations

from pathlib import Path


def check_output_folder(path: str | Path, option: str = '--out') -> None:
    """Refuse a folder that cannot be made because a file is in its way.

    Args:
        path: Folder of results, which need not exist.
        option: Where the path comes from, for the message.

    Raises:
        NotADirectoryError: If the path or one of its parents is a file.
    """
    for part in (Path(path), *Path(path).parents):
        if part.exists():
            if part.is_dir():
                return
            raise NotADirectoryError(
                f'{option} is {str(path)!r}, but {str(part)!r} is a file; '
                'choose a path in a folder')


def check_output_file(path: str | Path, option: str = '--out') -> None:
    """Refuse a file that cannot be written because of what is in its way.

    Args:
        path: File of results, in a folder that need not exist.
        option: Where the path comes from, for the message.

    Raises:
        IsADirectoryError: If the path is a folder.
        NotADirectoryError: If one of its parents is a file.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(f'{option} is {str(path)!r}, which is a '
                                'folder; choose the name of a file')
    check_output_folder(Path(path).parent, option)
