# SPDX-License-Identifier: Apache-2.0
"""Text lists from others: one entry a line, UTF-8."""
from __future__ import annotations

import io
import re

from mmengine import fileio

from .paths import check_input_file


def read_lines(path: str,
               setting: str,
               cure: str = 'correct the path') -> list[tuple[int, str]]:
    """Read the lines of a text list that are not blank.

    A byte order mark and the line ends of any system are accepted.

    Args:
        path: File, or an address that a backend of MMEngine can read.
        setting: Where the path was set, for messages.
        cure: What the user can do about a missing file, for messages.

    Returns:
        Number of each line, from 1, and its text without blanks around it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not UTF-8 text.
    """
    text = read_text(path, setting, cure)
    # Not splitlines, which also splits at rare characters of file names.
    lines = io.StringIO(text, newline=None)
    return [(number, line.strip()) for number, line in enumerate(lines, 1)
            if line.strip()]


def read_text(path: str,
              setting: str,
              cure: str = 'correct the path') -> str:
    """Read a file of UTF-8 text; arguments and errors of ``read_lines``."""
    check_input_file(path, f'{setting} {path!r}', cure, fileio.isfile)
    try:
        text = fileio.get(path).decode('utf-8-sig')
    except UnicodeDecodeError:
        text = '\0'
    # UTF-16 without a byte order mark decodes as well, to zeros between the
    # letters.
    if '\0' in text:
        raise ValueError(f'{setting} {path!r} is not UTF-8 text; save the '
                         'list with the encoding UTF-8')
    return text


def split_columns(line: str, delimiter: str = ' ') -> list[str]:
    """Split a line into a path and labels.

    A blank stands for any number of blanks and tabs. Where what they separate
    is more than a path and numbers, the path ends at the first tab, so that it
    may hold blanks.

    Examples:
        >>> split_columns('a.avi 3')
        ['a.avi', '3']
        >>> split_columns('my video.avi\\t3 5')
        ['my video.avi', '3', '5']
        >>> split_columns('my video.avi,3', ',')
        ['my video.avi', '3']
    """
    if delimiter != ' ':
        return line.split(delimiter)
    path, *labels = re.split('[ \t]+', line)
    if '\t' in line and not all(map(str.isdecimal, labels)):
        path, _, rest = line.partition('\t')
        return [path.rstrip(' '), *rest.split()]
    return [path, *labels]
