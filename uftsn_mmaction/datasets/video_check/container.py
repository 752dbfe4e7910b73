# SPDX-License-Identifier: Apache-2.0
"""Faults of a file that show in its bytes, without a decoder."""
from __future__ import annotations

import os
import stat
import string
import struct
from collections.abc import Iterator
from typing import BinaryIO

_PICTURES = {
    b'\x89PNG': 'a PNG picture',
    b'\xff\xd8\xff': 'a JPEG picture',
    b'BM': 'a BMP picture',
}
_KINDS = {
    stat.S_ISDIR: 'a folder',
    stat.S_ISFIFO: 'a pipe',
    stat.S_ISSOCK: 'a socket',
    stat.S_ISCHR: 'a device',
    stat.S_ISBLK: 'a device',
}
_HEAD = 512  # bytes that are looked at
_MP4_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide')


def why_no_file(path: str) -> str | None:
    """Return why nothing can be read from a path, None for a sound file.

    Only a regular file is opened: a pipe would wait for ever.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for is_kind, name in _KINDS.items()
                         if is_kind(mode)), 'something else')
            return f'it is {kind}, not a file'
        with open(path, 'rb'):
            pass
    except (OSError, ValueError) as error:
        return getattr(error, 'strerror', None) or str(error)
    return None


def kind_of_file(path: str) -> str | None:
    """Name what a file is if it is clearly no video."""
    with open(path, 'rb') as file:
        head = file.read(_HEAD)
    if not head:
        return 'empty'
    for magic, name in _PICTURES.items():
        if head.startswith(magic):
            return name
    if head.startswith(b'GIF8'):
        return 'a GIF animation'
    if head.startswith(b'RIFF') and head[8:12] == b'WAVE':
        return 'a sound file'
    if not head.strip(b'\0'):
        return 'full of zeros'
    if all(chr(byte) in string.printable for byte in head):
        return 'text'
    return None


def what_is_wrong(path: str) -> str | None:
    """Return where an AVI or MP4 file contradicts its size, or None."""
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        head = file.read(_HEAD)
        if head.startswith(b'RIFF'):
            if head[24:28] == b'avih' and len(head) >= 52:
                count, = struct.unpack_from('<I', head, 48)
                if count > size:
                    return f'it declares {count} frames in {size} bytes'
            little, names = True, None
        elif head[4:8] in _MP4_BOXES:
            little, names = False, set()
        else:
            return None
        for name, end in _parts(file, size, little):
            if end > size:
                return (f'it is truncated: {size} bytes are there, '
                        f'{end} were written')
            if names is not None:
                names.add(name)
    if names is not None and b'moov' not in names:
        return 'it has no index (moov): its end was never written'
    return None


def _parts(file: BinaryIO, size: int,
           little: bool) -> Iterator[tuple[bytes, int]]:
    """Yield name and end in bytes of each outermost part of a file."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        header = file.read(16)
        if little:
            name, length = struct.unpack('<4sI', header[:8])
            # A stream whose length was unknown has 0 or the largest number.
            if name != b'RIFF' or length in (0, 2**32 - 1):
                return
            length += 8 + length % 2
        else:
            length, name = struct.unpack('>I4s', header[:8])
            if length == 1 and len(header) == 16:
                length, = struct.unpack('>Q', header[8:])
            elif length == 0:  # up to the end of the file
                length = size - start
        # What follows the last part is of no account.
        if length < 8 or not name.isalnum():
            return
        yield name, start + length
        start += length
