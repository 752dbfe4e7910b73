# SPDX-License-Identifier: Apache-2.0
"""Official split files of UCF101 and HMDB51, read and checked.

UCF101 has ``classInd.txt`` with lines ``1 Class``, ``trainlist01.txt`` with
lines ``Class/video.avi 1`` and ``testlist01.txt`` with ``Class/video.avi``.
HMDB51 has ``class_test_split1.txt`` for each class with lines ``video.avi 1``,
where 1 is training, 2 test and 0 neither.
"""
from __future__ import annotations

import os.path as osp
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..fileio.text_list import read_lines


class OfficialCounts(NamedTuple):
    """Number of classes, and of training and test videos of each split."""
    classes: int
    splits: tuple[tuple[int, int], ...]


# These reveal a download that was cut short.
COUNTS = dict(
    ucf101=OfficialCounts(101, ((9537, 3783), (9586, 3734), (9624, 3696))),
    # 70 and 30 videos of each class.
    hmdb51=OfficialCounts(51, ((3570, 1530), ) * 3))

# The folders into which the official archives unpack.
SPLIT_FOLDERS = dict(
    ucf101='ucfTrainTestlist', hmdb51='testTrainMulti_7030_splits')

# Path of each video, as the split files have it, and its label from 0.
Labels = dict[str, int]

# No path may lead out of its class folder. A blank in a name would end the
# path in the lists of MMAction2.
_NUMBER, _CLASS, _FILE = r'(\d{1,4})', r'(\w+)', r'([^\s/\\]+\.\w+)'
_HMDB51_FILE = re.compile(_CLASS + r'_test_split[123]\.txt')
_MARKS = dict(ucf101=re.compile(r'classInd\.txt'), hmdb51=_HMDB51_FILE)
_AGAIN = 'download and unpack the official split files again'


def read_official_splits(
        name: str, folder: str) -> tuple[list[str], dict[str, Labels]]:
    """Read the classes and the videos of all splits.

    Args:
        name: 'ucf101' or 'hmdb51'.
        folder: Folder of the split files, or the one into which the official
            archive was unpacked.

    Returns:
        Class names in label order, and the videos of 'train_split_1',
        'val_split_1', 'train_split_2' and so on in official order.

    Raises:
        FileNotFoundError: If the folder or a split file is missing.
        ValueError: If a line cannot be used or a file is not complete.
    """
    if name not in COUNTS:
        raise ValueError(f'name is {name!r}, expected one of {tuple(COUNTS)}')
    read = dict(ucf101=_read_ucf101, hmdb51=_read_hmdb51)[name]
    for path in (Path(folder), Path(folder) / SPLIT_FOLDERS[name]):
        if path.is_dir() and any(
                _MARKS[name].fullmatch(item.name) for item in path.iterdir()):
            return read(path)
    mark = dict(ucf101='classInd.txt', hmdb51='<class>_test_split1.txt')[name]
    raise FileNotFoundError(
        f'neither splits folder {str(folder)!r} nor a folder '
        f'{SPLIT_FOLDERS[name]!r} in it holds {mark}; give the folder into '
        f'which the official split files of {name} were unpacked')


def _read_ucf101(folder: Path) -> tuple[list[str], dict[str, Labels]]:
    path = folder / 'classInd.txt'
    classes: list[str] = []
    pattern = rf'{_NUMBER}\s+{_CLASS}'
    for where, (number, item) in _rows(path, pattern, '"number Class"'):
        if int(number) != len(classes) + 1 or item in classes:
            raise ValueError(
                f'{where} gives class {item!r} the number {number}, expected '
                f'a new class with number {len(classes) + 1}; {_AGAIN}')
        classes.append(item)
    _check_count(path, 'classes', len(classes), COUNTS['ucf101'].classes)

    parts = {}
    for number, counts in enumerate(COUNTS['ucf101'].splits, 1):
        seen: dict[str, str] = {}
        files = 'trainlist', 'testlist'
        for part, file, count in zip(('train', 'val'), files, counts):
            path = folder / f'{file}{number:02d}.txt'
            videos = _read_ucf101_list(path, part == 'train', classes, seen)
            _check_count(path, 'videos', len(videos), count)
            parts[f'{part}_split_{number}'] = videos
    return classes, parts


def _read_ucf101_list(path: Path, labelled: bool, classes: list[str],
                      seen: dict[str, str]) -> Labels:
    """Read one list; ``seen`` has the place of each video of the split."""
    pattern, form = f'{_CLASS}/{_FILE}', 'Class/video.avi'
    if labelled:
        pattern, form = rf'{pattern}\s+{_NUMBER}', f'{form} label'
    videos = {}
    for where, (item, file, *number) in _rows(path, pattern, f'"{form}"'):
        if item not in classes:
            raise ValueError(f'{where} has class {item!r}, expected one of '
                             f'classInd.txt; {_AGAIN}')
        label = classes.index(item)
        if labelled and int(number[0]) != label + 1:
            raise ValueError(
                f'{where} has label {number[0]} for class {item!r}, expected '
                f'{label + 1} as in classInd.txt; {_AGAIN}')
        _check_new(f'{item}/{file}', where, seen)
        videos[f'{item}/{file}'] = label
    return videos


def _read_hmdb51(folder: Path) -> tuple[list[str], dict[str, Labels]]:
    # Sorted by class, not by file: sword_exercise_test... precedes
    # sword_test..., but sword comes before sword_exercise.
    names = [path.name for path in folder.iterdir()]
    matches = map(_HMDB51_FILE.fullmatch, names)
    classes = sorted({match[1] for match in matches if match})
    official = COUNTS['hmdb51']
    _check_count(folder, 'classes', len(classes), official.classes)

    parts: dict[str, Labels] = {}
    for number, counts in enumerate(official.splits, 1):
        seen: dict[str, str] = {}
        train = parts[f'train_split_{number}'] = {}
        val = parts[f'val_split_{number}'] = {}
        for label, item in enumerate(classes):
            path = folder / f'{item}_test_split{number}.txt'
            flags = {}
            pattern = rf'{_FILE}\s+([012])'
            form = '"video.avi flag" with a flag of 0, 1 or 2'
            for where, (file, flag) in _rows(path, pattern, form):
                _check_new(f'{item}/{file}', where, seen)
                flags[f'{item}/{file}'] = flag
            kinds = ('1', train, 'training'), ('2', val, 'test')
            for (flag, videos, kind), count in zip(kinds, counts):
                chosen = [video for video in flags if flags[video] == flag]
                # Every class has the same number of videos.
                count //= len(classes)
                _check_count(path, f'{kind} videos', len(chosen), count)
                videos.update(dict.fromkeys(chosen, label))
    return classes, parts


def _rows(path: Path, pattern: str,
          form: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the place and the fields of each line that is not blank."""
    for number, line in read_lines(str(path), 'split file', _AGAIN):
        where = f'line {number} of {str(path)!r}'
        match = re.fullmatch(pattern, line)
        if not match:
            raise ValueError(
                f'{where} is {line!r}, expected {form} without further '
                f'blanks, which end the path in a list; {_AGAIN}')
        yield where, match.groups()


def _check_new(video: str, where: str, seen: dict[str, str]) -> None:
    """Check that ``seen`` has no place of a video yet, and record it."""
    stem = osp.splitext(video)[0]  # the extension may differ on disk
    if stem in seen:
        raise ValueError(
            f'{where} lists {video!r}, as {seen[stem]} does, expected each '
            f'video once in a split, in training or in test; {_AGAIN}')
    seen[stem] = where


def _check_count(path: Path, what: str, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(
            f'{str(path)!r} holds {found} {what}, expected {expected}; the '
            f'download may have been cut short, so {_AGAIN}')
