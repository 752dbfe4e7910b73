# SPDX-License-Identifier: Apache-2.0
"""Paths of files and results, checked before the work with them."""
from __future__ import annotations

import os.path as osp
from collections.abc import Callable
from pathlib import Path


def check_input_file(path: str | Path,
                     subject: str,
                     cure: str = 'correct the path',
                     exists: Callable[[str], bool] = osp.isfile) -> None:
    """Refuse the path of a file that is not there.

    Args:
        path: Path to check.
        subject: Beginning of the message, with the path as the user gave it.
        cure: What the user can do about it, for the message.
        exists: The check, where a folder or an address may pass.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not exists(path):
        raise FileNotFoundError(
            f'{subject} does not exist as a file (absolute path '
            f'{osp.abspath(path)!r}); {cure}')


def check_output_folder(path: str | Path, option: str = '--out') -> None:
    """Refuse a folder that cannot be made because a file is in its way.

    Raises:
        NotADirectoryError: If the path or one of its parents is a file.
    """
    _check_folders(Path(path), path, option)


def check_output_file(path: str | Path, option: str = '--out') -> None:
    """Refuse a file that cannot be written because of what is in its way.

    Raises:
        IsADirectoryError: If the path is a folder.
        NotADirectoryError: If one of its parents is a file.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(f'{option} is {str(path)!r}, which is a '
                                'folder; choose the name of a file')
    _check_folders(Path(path).parent, path, option)


def check_apart(path: str | Path,
                *inputs: str | Path | None,
                option: str = '--out') -> None:
    """Refuse an output that would replace an input.

    Args:
        path: Path of the output.
        inputs: Paths of what is read; None for what is no file.
        option: Option that names the output.

    Raises:
        ValueError: If it is one of the inputs, by whatever path.
    """
    real = osp.realpath(path)
    for name in inputs:
        if name is not None and osp.realpath(name) == real:
            raise ValueError(f'{option} would replace the input '
                             f'{str(name)!r}; choose another one')


def _check_folders(folder: Path, path: str | Path, option: str) -> None:
    # The nearest part that exists decides.
    for part in (folder, *folder.parents):
        if part.is_dir():
            return
        if part.exists():
            raise NotADirectoryError(
                f'{option} is {str(path)!r}, but {str(part)!r} is a file; '
                'choose a path in a folder')
