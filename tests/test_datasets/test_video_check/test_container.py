# SPDX-License-Identifier: Apache-2.0
import struct

import pytest

from uftsn_mmaction.datasets.video_check.container import (
    kind_of_file,
    what_is_wrong,
    why_no_file,
)


def riff(*lengths, size=100):
    """RIFF parts that declare these lengths, in a file of a size."""
    parts = b''
    for length in lengths:
        parts += b'RIFF' + struct.pack('<I', length) + bytes(length)
    return parts.ljust(size, b'\0')[:size]


def boxes(*named, size):
    parts = b''
    for name, length in named:
        parts += struct.pack('>I4s', length, name) + bytes(max(length - 8, 0))
    return parts[:size]


@pytest.mark.parametrize('data, wrong', [
    (riff(92), False),
    (riff(93, size=100), True),
    # A second part, as in files above one gigabyte.
    (riff(40, 44), False),
    (riff(40, 44, size=99), True),
    # What follows is no part; a stream does not know its length.
    (riff(40), False),
    (riff(0), False),
    (riff(60, size=68) + b'tail', False),
    (boxes((b'ftyp', 16), (b'moov', 24), size=40), False),
    (boxes((b'ftyp', 16), (b'moov', 24), size=39), True),
    (boxes((b'ftyp', 16), (b'mdat', 24), size=40), True),  # no index
    # Length 0 leads to the end of the file.
    (boxes((b'moov', 16), (b'mdat', 0), size=24), False),
    (b'\x1aE\xdf\xa3 matroska', False),
    (b'RI', False),
    (b'RIFF', False),
    (b'', False),
])
def test_truncated_files_are_told_from_whole_ones(tmp_path, data, wrong):
    path = tmp_path / 'file'
    path.write_bytes(data)
    assert (what_is_wrong(str(path)) is not None) == wrong


def test_long_mp4_parts_have_64_bits(tmp_path):
    path = tmp_path / 'file'
    long = struct.pack('>I4sQ', 1, b'mdat', 24) + bytes(8)
    path.write_bytes(long + struct.pack('>I4s', 8, b'moov'))
    assert what_is_wrong(str(path)) is None
    path.write_bytes(long[:20])
    assert 'truncated' in what_is_wrong(str(path))


@pytest.mark.parametrize('data, kind', [
    (b'', 'empty'),
    (b'<html>', 'text'),
    (bytes(10), 'zeros'),
    (b'\xff\xd8\xff\xe0', 'JPEG'),
    (b'\x1aE\xdf\xa3', None),
])
def test_what_is_clearly_no_video_is_named(tmp_path, data, kind):
    path = tmp_path / 'file'
    path.write_bytes(data)
    found = kind_of_file(str(path))
    assert found is None if kind is None else kind in found


def test_a_link_to_a_file_is_a_file(tmp_path):
    (tmp_path / 'file').write_bytes(b'x')
    (tmp_path / 'link').symlink_to('file')
    assert why_no_file(str(tmp_path / 'link')) is None
    assert why_no_file(str(tmp_path / 'none'))
    assert why_no_file('a\0b')
