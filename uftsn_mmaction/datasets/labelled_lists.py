# SPDX-License-Identifier: Apache-2.0
"""Lists of labelled videos of one's own."""
from __future__ import annotations

import os.path as osp
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..fileio import AtomicLocalBackend
from .labelled_videos import LabelledVideo, split_videos
from .video_check.check import check_videos


class LabelledLists(NamedTuple):
    """Contents of the annotation files that were written.

    Attributes:
        classes: Names of the classes, in the order of their labels.
        counts: Number of videos by split and class.
        left_out: Reason by video that is in no list.
    """

    classes: list[str]
    counts: dict[str, Counter[str]]
    left_out: dict[str, str]


def write_labelled_lists(videos: Sequence[LabelledVideo],
                         root: str,
                         out: str,
                         min_frames: int = 11,
                         test_share: float = 0.2,
                         seed: int = 0,
                         workers: int = 4) -> LabelledLists:
    """Write the lists of both splits, of the classes and of what is left out.

    They are ``train.txt``, ``test.txt``, ``classes.txt`` and
    ``left_out.txt``. A line is a path, a tab and a label, so that paths may
    hold blanks. Each video is read once in a child process; one that cannot
    be used is left out.

    Args:
        videos: Videos and their classes.
        root: Folder that their paths begin from.
        out: Folder to write to.
        min_frames: Least number of frames, by default those that a clip of
            the five classes' config spans.
        test_share, seed: As in :func:`split_videos`.
        workers: Number of child processes.

    Raises:
        ValueError: If there are fewer than two classes, too few videos can
            be used, or ``out`` holds lists of other classes.
    """
    reasons = _find_reasons(videos, root, min_frames, workers)
    sound = [video for video in videos if video.path not in reasons]
    _write(out, 'left_out.txt',
           (f'{path!r}: {reason}' for path, reason in reasons.items()))
    classes = sorted({video.label for video in videos})
    if len(classes) < 2:
        raise ValueError(f'{root!r} has videos of the class {classes}, '
                         'expected two classes or more; add class folders')
    lost = sorted(set(classes) - {video.label for video in sound})
    if lost:
        raise ValueError(
            f'no video of the classes {lost} can be used; the reasons are in '
            f'{osp.join(out, "left_out.txt")!r}')
    _refuse_other_classes(Path(out, 'classes.txt'), classes)
    parts = split_videos(sound, test_share, seed)
    label = {name: number for number, name in enumerate(classes)}
    _write(out, 'classes.txt', classes)
    for part, members in parts.items():
        _write(out, f'{part}.txt',
               (f'{video.path}\t{label[video.label]}' for video in members))
    counts = {part: Counter(video.label for video in members)
              for part, members in parts.items()}
    return LabelledLists(classes, counts, reasons)


def _find_reasons(videos: Sequence[LabelledVideo], root: str, min_frames: int,
                  workers: int) -> dict[str, str]:
    """Return why videos cannot be listed, by path."""
    reasons = {}
    for video in videos:
        # Line ends and tabs have a meaning in the lists.
        if not (video.path + video.label).isprintable():
            reasons[video.path] = ('its name has a character that a list '
                                   'cannot hold')
    paths = {osp.join(root, video.path): video.path for video in videos
             if video.path not in reasons}
    for path, report in check_videos(list(paths), 'decord', workers).items():
        if report.reason:
            reasons[paths[path]] = report.reason
        elif (report.frames or 0) < min_frames:
            reasons[paths[path]] = (
                f'it has {report.frames} frames, expected {min_frames} or '
                'more')
    return reasons


def _refuse_other_classes(path: Path, classes: list[str]) -> None:
    """Refuse to give labels another meaning, which models may have."""
    if path.is_file() and path.read_text('utf-8').splitlines() != classes:
        raise ValueError(
            f'{str(path)!r} lists other classes than the {len(classes)} of '
            'these videos; choose another folder, or remove that file')


def _write(folder: str, name: str, lines: Iterable[str]) -> None:
    text = ''.join(f'{line}\n' for line in lines)
    AtomicLocalBackend().put_text(text, Path(folder, name))
