# SPDX-License-Identifier: Apache-2.0
"""Labelled videos of a folder or a table, and their split."""
from __future__ import annotations

import csv
import io
import os.path as osp
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from mmengine.utils import scandir

from ..fileio.text_list import read_text
from .video_folder import SUFFIXES

SPLITS = ('train', 'test')


class LabelledVideo(NamedTuple):
    """A video, its class, and what keeps it together with others.

    Attributes:
        path: Path in the folder of the videos, with ``/``.
        label: Name of the class.
        group: Videos of one group, such as the clips of one recording, are
            in one split.
        split: ``'train'``, ``'test'`` or None for the one to be chosen.
    """

    path: str
    label: str
    group: str
    split: str | None = None


def find_labelled_videos(root: str,
                         level: int = -1,
                         group: str | None = None) -> list[LabelledVideo]:
    """Find the videos in class folders.

    Args:
        root: Folder that holds the class folders at any depth.
        level: Folder of a path that names the class: 0 for the outermost one
            below ``root``, -1 for the one that holds the video.
        group: Regular expression; what it finds in a path, or its first
            group in brackets, is the group of the video. None for a group of
            its own.

    Raises:
        FileNotFoundError: If there is no such folder, or no video in it.
        ValueError: If a video is in no folder at that level, or the
            expression is not valid or finds nothing in a path.
    """
    if not osp.isdir(root):
        raise FileNotFoundError(
            f'{root!r} is no folder; name the folder of the class folders')
    # scandir leaves out what begins with a dot.
    names = sorted(
        name.replace(osp.sep, '/') for name in scandir(
            root, SUFFIXES, recursive=True, case_sensitive=False))
    if not names:
        raise FileNotFoundError(
            f'{root!r} holds no video ({", ".join(SUFFIXES)}); name the '
            'folder of the class folders')
    videos = []
    for name in names:
        folders = PurePosixPath(name).parts[:-1]
        try:
            label = folders[level]
        except IndexError:
            raise ValueError(
                f'{name!r} is in {len(folders)} folders below {root!r}, so '
                f'that folder {level} cannot name its class; move it into '
                'the folder of its class, or choose another level') from None
        videos.append(LabelledVideo(name, label, _group_of(name, group)))
    return videos


def _group_of(path: str, pattern: str | None) -> str:
    if pattern is None:
        return path
    try:
        found = re.search(pattern, path)
    except re.error as error:
        raise ValueError(f'group {pattern!r} is no regular expression '
                         f'({error})') from None
    if found is None:
        raise ValueError(f'group {pattern!r} finds nothing in {path!r}; '
                         'choose an expression that fits all paths')
    return found[1] if found.re.groups else found[0]


def read_labelled_videos(table: str) -> list[LabelledVideo]:
    """Read a table of videos.

    Args:
        table: CSV file with a heading: ``video`` and ``label``, and perhaps
            ``group`` and ``split``; commas, semicolons or tabs separate the
            columns.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column or a value is missing, a split is neither
            ``train`` nor ``test``, or a video is listed twice.
    """
    text = read_text(table, 'table')
    heading = text.partition('\n')[0]
    delimiter = max(',;\t', key=heading.count)
    rows = csv.DictReader(io.StringIO(text, newline=''), delimiter=delimiter)
    missing = {'video', 'label'} - set(rows.fieldnames or ())
    if missing:
        raise ValueError(
            f'table {table!r} has the columns {rows.fieldnames}, expected '
            'video and label, and perhaps group and split')
    videos = []
    for row in rows:
        path, label = row['video'], row['label']
        split = row.get('split') or None
        if not path or not label or split not in (None, *SPLITS):
            raise ValueError(
                f'line {rows.line_num} of table {table!r} is {row}, expected '
                'a video, a label, and train, test or nothing as split')
        videos.append(
            LabelledVideo(path, label, row.get('group') or path, split))
    paths = Counter(video.path for video in videos)
    repeated = [path for path, number in paths.items() if number > 1]
    if repeated or not videos:
        found = f'{repeated[0]!r} twice or more' if repeated else 'no video'
        raise ValueError(
            f'table {table!r} lists {found}, expected each video once')
    return videos


def split_videos(videos: Iterable[LabelledVideo],
                 test_share: float = 0.2,
                 seed: int = 0) -> dict[str, list[LabelledVideo]]:
    """Split videos so that no group is in both parts.

    Videos that have a split keep it. Of the groups of each class, about
    ``test_share`` of the videos are for testing, and at least one is.

    Returns:
        The videos of ``'train'`` and ``'test'``, in the order given.

    Raises:
        ValueError: If ``test_share`` is no share, or a class cannot be in
            both parts.
    """
    if not 0 < test_share < 1:
        raise ValueError('test_share must be a share between 0 and 1, got '
                         f'{test_share}')
    videos = list(videos)
    groups: dict[str, list[LabelledVideo]] = defaultdict(list)
    for video in videos:
        groups[video.group].append(video)
    total = Counter(video.label for video in videos)
    wanted = {label: max(1, round(test_share * number))
              for label, number in total.items()}
    chosen: dict[str, str] = {}
    tested: Counter[str] = Counter()
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    # Those with a split come first, since they fill the test part as well.
    for name in sorted(names, key=lambda name: _given(groups[name]) is None):
        members = Counter(video.label for video in groups[name])
        chosen[name] = _given(groups[name]) or _part(members, tested, wanted,
                                                     total)
        if chosen[name] == 'test':
            tested += members
    for label, number in total.items():
        if tested[label] in (0, number):
            part = 'test' if tested[label] == 0 else 'train'
            raise ValueError(
                f'class {label!r} has no video to {part} on: its {number} '
                'videos are in too few groups; add videos, or choose other '
                'groups')
    return {
        part: [video for video in videos if chosen[video.group] == part]
        for part in SPLITS
    }


def _given(members: Sequence[LabelledVideo]) -> str | None:
    """Return the split that a group has already."""
    splits = {video.split for video in members} - {None}
    if len(splits) > 1:
        raise ValueError(f'group {members[0].group!r} has videos in both '
                         'splits; correct the table')
    return splits.pop() if splits else None


def _part(members: Counter[str], tested: Counter[str],
          wanted: dict[str, int], total: Counter[str]) -> str:
    """Return where a group is needed more."""
    useful = sum(
        min(number, wanted[label] - tested[label])
        for label, number in members.items())
    leaves_some = all(tested[label] + number < total[label]
                      for label, number in members.items())
    needed = 2 * useful >= sum(members.values())
    return 'test' if needed and leaves_some else 'train'
