# SPDX-License-Identifier: Apache-2.0
"""Names of the classes that scores belong to."""
from __future__ import annotations

from ..fileio.text_list import read_lines


def read_class_names(path: str | None, number: int) -> list[str]:
    """Read one name a line, in the order of the labels.

    Args:
        path: File; None for numbers instead of names.
        number: Number of classes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not text, or has another number of names.
    """
    if path is None:
        return [str(index) for index in range(number)]
    names = [line for _, line in read_lines(path, '--classes')]
    if len(names) != number:
        raise ValueError(
            f'--classes {path!r} has {len(names)} names, but the score files '
            f'have {number} classes; give one name a line for each')
    return names
