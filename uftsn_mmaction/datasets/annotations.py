# SPDX-License-Identifier: Apache-2.0
"""Lists of UCF101 and HMDB51 for ``VideoDataset``.

A line is ``Class/video.avi label`` with labels from 0, for
``data_prefix=dict(video=...)`` with the folder of the class folders. The
lists are named as MMAction2's own scripts name them.
"""
from __future__ import annotations

import os.path as osp
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ..fileio import AtomicLocalBackend
from .official_splits import read_official_splits
from .video_folder import SUFFIXES


class WrittenList(NamedTuple):
    """A list, with its number of videos and of videos left out."""
    path: Path
    videos: int
    missing: int


def prepare_annotations(name: str,
                        splits: str,
                        videos: str,
                        out: str,
                        allow_missing: bool = False) -> list[WrittenList]:
    """Write the lists of all splits, and ``classes.txt`` in label order.

    If videos are missing, ``{name}_missing_videos.txt`` lists them; nothing
    else is written before everything has been checked.

    Args:
        name: 'ucf101' or 'hmdb51'.
        splits: Folder of the official split files.
        videos: Folder of the class folders.
        out: Folder to write to.
        allow_missing: Whether to leave missing videos out of the lists.

    Returns:
        The written lists in the order of the splits, training first.

    Raises:
        FileNotFoundError: If a folder, a split file, a video or all videos
            of a list are missing.
        ValueError: If a split file is not the official one, a video exists
            twice, or ``out`` holds lists of other classes.
    """
    classes, parts = read_official_splits(name, splits)
    # Each video once, in official order.
    listed = list(dict.fromkeys(chain.from_iterable(parts.values())))
    found = find_videos(videos, listed)
    classes_file = Path(out) / 'classes.txt'
    expected = [item.encode() for item in classes]
    if (classes_file.is_file()
            and classes_file.read_bytes().split() != expected):
        raise ValueError(
            f'{str(classes_file)!r} lists other classes, expected none or '
            f'these {len(classes)}; choose another folder with --out, or '
            'remove that file')

    missing = [video for video in listed if video not in found]
    missing_file = Path(out) / f'{name}_missing_videos.txt'
    if missing:
        _write_lines(missing_file, missing)
    else:
        missing_file.unlink(missing_ok=True)  # from an earlier call
    has_folder = any(osp.isdir(osp.join(videos, item)) for item in classes)
    if missing and not (allow_missing and has_folder):
        cure = ('add them, or leave them out with --allow-missing'
                if has_folder else 'give the folder that holds the folders '
                f'{classes[0]!r} to {classes[-1]!r}')
        raise FileNotFoundError(
            f'{len(missing)} of {len(listed)} videos of {name} are missing in '
            f'videos folder {str(videos)!r}, such as '
            f'{", ".join(map(repr, missing[:3]))} (all of them are in '
            f'{str(missing_file)!r}); {cure}')

    for part, labels in parts.items():
        if found.keys().isdisjoint(labels):
            raise FileNotFoundError(
                f'the list {name}_{part} would be empty: none of its '
                f'{len(labels)} videos is in videos folder {str(videos)!r}; '
                f'add some of them (all of them are in {str(missing_file)!r})')

    _write_lines(classes_file, classes)
    written = []
    for part, labels in parts.items():
        path = Path(out) / f'{name}_{part}_videos.txt'
        lines = [f'{found[video]} {label}'
                 for video, label in labels.items() if video in found]
        _write_lines(path, lines)
        missing_count = len(labels) - len(lines)
        written.append(WrittenList(path, len(lines), missing_count))
    return written


def find_videos(folder: str, listed: Iterable[str]) -> dict[str, str]:
    """Find listed videos ``Class/video.avi``, which may be re-encoded.

    Returns:
        The existing path by the listed one: the same, or one with another
        extension of ``SUFFIXES``. Missing videos have no entry.

    Raises:
        FileNotFoundError: If the folder of the class folders does not exist.
        ValueError: If several files could be a video that is not there under
            its own name.
    """
    if not osp.isdir(folder):
        raise FileNotFoundError(
            f'videos folder {str(folder)!r} does not exist; give the folder '
            'that holds the class folders')
    found = {}
    folders: dict[str, dict[str, list[str]]] = {}
    for video in listed:
        item, file = video.split('/')
        if item not in folders:
            folders[item] = _videos_by_stem(Path(folder) / item)
        names = folders[item].get(osp.splitext(file)[0], [])
        if len(names) > 1 and file not in names:
            raise ValueError(
                f'videos folder {str(folder)!r} holds {sorted(names)} in '
                f'{item!r}, expected one video in place of {video!r}; remove '
                'the others')
        if names:
            found[video] = f'{item}/{file if file in names else names[0]}'
    return found


def _videos_by_stem(folder: Path) -> dict[str, list[str]]:
    """List the videos in a class folder by stem; the folder may be missing."""
    videos = defaultdict(list)
    # Not by glob, since names in HMDB51 contain brackets.
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and path.is_file():
            videos[path.stem].append(path.name)
    return videos


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    text = ''.join(f'{line}\n' for line in lines)
    AtomicLocalBackend().put_text(text, path)
