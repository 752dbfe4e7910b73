# SPDX-License-Identifier: Apache-2.0
"""Rows of several score files in one order, that of their videos."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mmengine.logging import print_log

from .score_file import ScoreFile, read_score_file


def read_score_files(names: Sequence[str]) -> list[ScoreFile]:
    """Read and align files, and log which of them have no video names."""
    files = align_score_files([read_score_file(name) for name in names])
    unnamed = [file.name for file in files if not file.filenames]
    if unnamed:
        print_log(
            f'no video names in {", ".join(unnamed)}: only the number of '
            'videos and their labels were compared')
    return files


def align_score_files(files: Sequence[ScoreFile]) -> list[ScoreFile]:
    """Check that files belong to the same videos, and order them alike.

    Videos are compared by their names without folder and extension; where a
    file has no names, only their number and the labels can be compared.

    Returns:
        The files, their rows in the order of the first one with names.

    Raises:
        ValueError: If two files differ; the text has the first difference.
    """
    named = next((file for file in files if file.filenames), None)
    aligned = []
    for file in files:
        for noun, one, other in zip(('videos', 'classes'),
                                    files[0].scores.shape, file.scores.shape):
            if one != other:
                raise _difference(files[0], file, f'{one} and {other} {noun}')
        aligned.append(_reorder(named, file) if file.filenames else file)
    first = aligned[0]
    for file in aligned[1:]:
        differ = (file.labels != first.labels).nonzero().flatten().tolist()
        if differ:
            row = differ[0]
            video = named.stems[row] if named else row + 1
            raise _difference(
                first, file, f'labels {int(first.labels[row])} and '
                f'{int(file.labels[row])} for video {video!r}')
    return aligned


def _reorder(named: ScoreFile, file: ScoreFile) -> ScoreFile:
    """Bring the rows of a file into the order of another one."""
    expected, found = named.stems, file.stems
    if expected == found:
        return file
    missing = [*(Counter(expected) - Counter(found))]
    strange = [*(Counter(found) - Counter(expected))]
    if missing:
        raise _difference(
            named, file, f'the videos {missing[0]!r} and {strange[0]!r}, each '
            'in one of them only')
    name, times = Counter(found).most_common(1)[0]
    if times > 1:
        raise _difference(
            named, file, 'orders of the videos, which cannot be matched by '
            f'name because {name!r} is the name of {times} of them')
    row_of = {stem: row for row, stem in enumerate(found)}
    rows = [row_of[stem] for stem in expected]
    return replace(
        file,
        scores=file.scores[rows],
        labels=file.labels[rows],
        filenames=tuple(file.filenames[row] for row in rows))


def _difference(one: ScoreFile, other: ScoreFile, what: str) -> ValueError:
    return ValueError(
        f'score files {one.name!r} and {other.name!r} do not belong together: '
        f'they have {what}; dump both with the same test list')
