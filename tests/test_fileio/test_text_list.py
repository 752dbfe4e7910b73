# SPDX-License-Identifier: Apache-2.0
"""Lists in any encoding but UTF-8 are named, not misread."""
import pytest

from uftsn_mmaction.fileio.text_list import read_lines


@pytest.fixture
def write(tmp_path):
    """Function that writes a list and returns its path."""

    def write(content):
        (tmp_path / 'list.txt').write_bytes(content)
        return str(tmp_path / 'list.txt')

    return write


@pytest.mark.parametrize('content', [
    b'a\n\n \t\n b 1\n', b'a\r\n\r\n\r\nb 1', b'a\r\r\r b 1 \r',
    b'\xef\xbb\xbfa\n\n\nb 1\n'
], ids=['unix', 'windows', 'mac', 'byte order mark'])
def test_lines_come_with_their_numbers(write, content):
    assert read_lines(write(content), 'ann_file') == [(1, 'a'), (4, 'b 1')]


def test_names_keep_their_characters(write):
    names = ['ä ö.avi 0', '走.avi 1', 'a\x85b\u2028c.avi 2', 'd  e\tf']
    path = write('\n'.join(names).encode())
    assert [line for _, line in read_lines(path, 'ann_file')] == names


@pytest.mark.parametrize('text, encoding', [
    ('走/a.avi 0\n', 'gbk'), ('ä/a.avi 0\n', 'latin-1'),
    ('a.avi 0\n', 'utf-16'), ('a.avi 0\n', 'utf-16-le'),
    ('a.avi 0\n', 'utf-16-be'), ('a.avi 0\n', 'utf-32'),
])
def test_other_encodings_are_refused(write, text, encoding):
    path = write(text.encode(encoding))
    with pytest.raises(ValueError) as caught:
        read_lines(path, '--pairs')
    assert not isinstance(caught.value, UnicodeError)
    for part in ('--pairs', repr(path), 'UTF-8'):
        assert part in str(caught.value)


def test_a_missing_list_is_named_as_given_and_absolute(tmp_cwd):
    (tmp_cwd / 'folder').mkdir()
    for name in ('none.txt', 'folder'):
        with pytest.raises(FileNotFoundError) as caught:
            read_lines(name, 'ann_file', 'CURE')
        for part in ('ann_file', repr(name), str(tmp_cwd / name), 'CURE'):
            assert part in str(caught.value)
