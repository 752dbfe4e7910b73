# SPDX-License-Identifier: Apache-2.0
"""Accuracy of each class, confused classes and the worst mistakes."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmaction.evaluation import ConfusionMatrix
from torch import Tensor

from ...apis.check_sources import check_sources
from ...apis.source import Source, resize_short_side
from ...scores.score_file import ScoreFile
from .page import jpeg

_MISTAKES, _FRAMES, _HEIGHT, _WIDEST = 6, 4, 160, 480


class Mistake(NamedTuple):
    """A video that was taken for another class, and how surely."""
    video: str
    true: str
    predicted: str
    probability: float
    frames: bytes | None
    why_not: str = ''


def main_stream(streams: Mapping[str, ScoreFile]) -> ScoreFile:
    """Return the stream that the report is about: the fusion, if any."""
    return streams.get('fusion') or next(iter(streams.values()))


def confusion(file: ScoreFile) -> np.ndarray:
    """Return the number of videos by true and by predicted class."""
    return ConfusionMatrix.calculate(file.scores, file.labels).numpy()


def class_rows(streams: Mapping[str, ScoreFile],
               classes: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return a table of the classes, the worst first: heads and rows.

    A class without videos is left out.
    """
    matrices = {name: confusion(file) for name, file in streams.items()}
    main = confusion(main_stream(streams))
    videos = main.sum(axis=1)
    known = np.flatnonzero(videos)
    order = known[np.argsort(main.diagonal()[known] / videos[known],
                             kind='stable')]
    rows = []
    for index in order:
        wrong = main[index].copy()
        wrong[index] = 0
        other = int(wrong.argmax())
        rows.append([
            classes[index], str(videos[index]),
            *(f'{matrix[index, index] / videos[index]:.3f}'
              for matrix in matrices.values()),
            f'{classes[other]} ({wrong[other]})' if wrong[other] else '-'])
    heads = [f'accuracy, {name}' if name else 'accuracy' for name in matrices]
    return ['class', 'videos', *heads, 'most often taken for'], rows


def worst_mistakes(file: ScoreFile,
                   classes: Sequence[str]) -> list[Mistake]:
    """Return the mistakes that the model was surest of, with their frames.

    Videos are looked at in a process of their own first; one that cannot be
    used, or is no longer there, has no frames.
    """
    probabilities = _probabilities(file)
    best, predicted = probabilities.max(dim=1)
    wrong = best.where(predicted != file.labels, -1)
    order = wrong.argsort(descending=True)[:_MISTAKES].tolist()
    rows = [row for row in order if wrong[row] > 0]
    names = [file.filenames[row] if file.filenames else f'video {row + 1}'
             for row in rows]
    # A score file may come from a stranger; what it names is not downloaded.
    sources = {name: Source(name, Path(name).name) for name in names
               if file.filenames and '://' not in name}
    _, bad, _ = check_sources(list(sources.values()))
    mistakes = []
    for row, name in zip(rows, names):
        frames, reason = None, bad.get(name, '')
        if name not in sources:
            reason = 'the score file names no file'
        elif not reason:
            frames = _strip(sources[name])
        mistakes.append(Mistake(
            Path(name).name, classes[int(file.labels[row])],
            classes[int(predicted[row])], float(best[row]), frames, reason))
    return mistakes


def _probabilities(file: ScoreFile) -> Tensor:
    if file.kind == 'prob':
        return file.scores
    return file.scores.softmax(dim=1)


def _strip(source: Source) -> bytes | None:
    """Draw frames that are spread over a video beside each other."""
    try:
        number = source.num_frames or 1
        stride = max(1, number // _FRAMES)
        frames = []
        for frame in source.frames(stride, start=0):
            frames.append(resize_short_side(frame.image, _HEIGHT))
            if len(frames) == _FRAMES:
                break
        return jpeg(np.hstack(
            [frame[:_WIDEST, :_WIDEST] for frame in frames]))
    except ValueError:
        return None
