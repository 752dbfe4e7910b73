# SPDX-License-Identifier: Apache-2.0
"""Refuse files of tensors that ask for more memory than they can fill."""
from __future__ import annotations

import pickle
import zipfile
from typing import Any, BinaryIO

# Magic number, protocol, machine, content.
_LEGACY_PICKLES = 4


def check_unpacked_size(file: BinaryIO) -> None:
    """Compare what a file of ``torch.save`` unpacks to with its own size.

    ``torch.save`` compresses nothing, so that no honest file is larger in
    memory. ``torch.load`` reserves what the file asks for before it reads.

    Args:
        file: Open file, which is at its start afterwards.

    Raises:
        ValueError: If the content asks for more bytes than the file has.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            _check(sum(entry.file_size for entry in archive.infolist()), size)
    else:
        file.seek(0)
        try:
            for _ in range(_LEGACY_PICKLES):
                _LegacySizes(file, size).load()
        except ValueError:
            raise
        except Exception:
            # Whoever reads it tells the damage better.
            pass
    file.seek(0)


def _check(asked: int, size: int) -> None:
    if asked > size:
        raise ValueError(f'it has {size} bytes, but asks for {asked} bytes of '
                         'memory')


class _Inert:
    """Stand-in for every class and function that a pickle names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def _ignore(self, *args: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _ignore


class _LegacySizes(pickle.Unpickler):
    """Reads the sizes of storages in the format before zip files."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file)
        self._size = size

    def find_class(self, module: str, name: str) -> type:
        return _Inert

    def persistent_load(self, saved: Any) -> _Inert:
        # ('storage', type, key, location, number of elements, view), of a
        # byte each or more.
        if isinstance(saved, tuple) and len(saved) > 4:
            _check(saved[4], self._size)
        return _Inert()
