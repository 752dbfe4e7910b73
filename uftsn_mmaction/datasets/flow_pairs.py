# SPDX-License-Identifier: Apache-2.0
"""Pairs of frames, with or without a known flow, listed or generated."""
from __future__ import annotations

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..fileio.flow_file import read_flow
from ..fileio.paths import check_input_file
from ..fileio.text_list import read_lines
from .motion.classes import CLASSES
from .motion.generator import render_clip
from .motion.settings import MotionSetSettings


@dataclass(frozen=True, eq=False)
class FlowPair:
    """Two frames and the true flow from the first to the second one.

    Without a true flow it is NaN everywhere.
    """
    name: str
    first: np.ndarray  # 8-bit RGB (H, W, 3)
    second: np.ndarray
    flow: np.ndarray  # float32 (2, H, W) in pixels, NaN where unknown


class ListedPairs(Sequence):
    """Pairs of a list file with lines ``first second flow``.

    A line ``first second`` is a pair without a true flow. The files are named
    relative to the folder of the list and read one pair at a time; blank
    lines are skipped. Frames are any picture that OpenCV reads, flow is any
    file that :func:`read_flow` reads.

    Raises:
        FileNotFoundError: If the list or a file in it does not exist.
        ValueError: If the list is not UTF-8 text, has no pair or a malformed
            line, or when a pair is read whose files do not fit each other.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lines = [(number, self._parse(number, line))
                       for number, line in read_lines(path, 'list of pairs')]
        if not self._lines:
            raise ValueError(f'list of pairs {path!r} is empty, expected '
                             'lines "first second flow" or "first second"; '
                             'add a pair')

    def _parse(self, number: int, line: str) -> list[str]:
        """Return the paths of the files of a line; all must exist."""
        names = line.split()
        if len(names) not in (2, 3):
            raise ValueError(
                f'{self._where(number)} is {line!r}, expected names without '
                'blanks, "first second flow", or "first second" where the '
                'flow is not known; correct the line')
        folder = osp.dirname(self.path)
        paths = [osp.join(folder, name) for name in names]
        for path in paths:
            check_input_file(
                path, f'{self._where(number)} names {path!r}, which',
                'correct or remove the line')
        return paths

    def _where(self, number: int) -> str:
        return f'line {number} of {self.path!r}'

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> FlowPair:
        number, paths = self._lines[index]
        try:
            first, second = map(_read_frame, paths[:2])
            if len(paths) == 2:
                flow = np.full((2, *first.shape[:2]), np.nan, np.float32)
            else:
                flow, known = read_flow(paths[2])
        except ValueError as error:
            raise ValueError(f'{self._where(number)}: {error}') from None
        sizes = first.shape[:2], second.shape[:2], flow.shape[1:]
        if len(set(sizes)) > 1:
            shown = ', '.join(f'{path!r} {width}x{height}' for path,
                              (height, width) in zip(paths, sizes))
            raise ValueError(
                f'{self._where(number)} has files of several sizes ({shown}); '
                'name files of one size')
        if len(paths) == 3 and not known.any():
            raise ValueError(
                f'{self._where(number)} names {paths[2]!r}, in which no pixel '
                'has a known flow; remove the line')
        # With its folder, since many data sets repeat the names of files.
        name = osp.splitext(osp.relpath(paths[0], osp.dirname(self.path)))[0]
        return FlowPair(name, first, second, flow)

    def settings(self) -> dict[str, Any]:
        """Describe the pairs for JSON."""
        return dict(list=self.path, num_pairs=len(self))


class GeneratedPairs(Sequence):
    """Pairs of moving objects, generated one at a time.

    Args:
        number: Number of pairs; a multiple of 16 has equally many of every
            motion.
        size, speed, seed: As in :class:`MotionSetSettings`.
    """

    def __init__(self, number: int = 32, size: tuple[int, int] = (128, 128),
                 speed: float = 2.0, seed: int = 0) -> None:
        self._settings = MotionSetSettings(
            num_test=number, size=size, num_frames=2, speed=speed, seed=seed)

    def __len__(self) -> int:
        return self._settings.num_test

    def __getitem__(self, index: int) -> FlowPair:
        index = range(len(self))[index]
        clip = render_clip(self._settings, 'test', index)
        return FlowPair(f'generated {index:03d} {CLASSES[clip.label]}',
                        *clip.frames, clip.flow[0])

    def settings(self) -> dict[str, Any]:
        """Describe the pairs for JSON."""
        settings = self._settings
        generator = dict(
            size=list(settings.size), speed=settings.speed,
            background_speed=settings.background_speed, seed=settings.seed)
        return dict(generator=generator, num_pairs=len(self))


def _read_frame(path: str) -> np.ndarray:
    """Read a picture as 8-bit RGB ``(H, W, 3)``."""
    # The flow belongs to the stored pixels, whatever an orientation tag says.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        frame = cv2.imread(path, flags)
    except cv2.error:
        frame = None
    if frame is None:
        raise ValueError(f'the frame {path!r} cannot be decoded; get the file '
                         'again, or leave its pair out')
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
