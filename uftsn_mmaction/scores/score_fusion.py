# SPDX-License-Identifier: Apache-2.0
"""Late fusion: the weighted mean of what several models predict.

Class scores before the softmax and probabilities fuse differently, as a
stream that is sure of what it cannot see weighs more in the latter.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from mmaction.evaluation import mean_class_accuracy, top_k_accuracy
from torch import Tensor

from .score_file import ScoreFile

_NAMES = {'score': 'class scores', 'prob': 'probabilities'}

# Beyond this even steps of 0.1 are thousands of weightings.
_MAX_SEARCHED_FILES = 6


def check_weights(weights: Sequence[float], number: int) -> None:
    """Check the weights of a mean.

    Args:
        weights: Weight of each file.
        number: Number of files.

    Raises:
        ValueError: The weights do not fit.
    """
    if len(weights) != number:
        raise ValueError(f'got {len(weights)} weights for {number} score '
                         'files; give one weight for each file.')
    if not (all(weight >= 0 for weight in weights)
            and 0 < sum(weights) < math.inf):
        raise ValueError(f'weights are {list(weights)}, expected finite '
                         'numbers from 0 up, one or more of them above 0.')


def weighted_mean(scores: Sequence[Tensor],
                  weights: Sequence[float]) -> Tensor:
    """Mean of scores of one shape, ``sum(w * s) / sum(w)``.

    Args:
        scores: Scores of each model, ``(num_videos, num_classes)``.
        weights: Weight of each model; only their ratios matter.

    Raises:
        ValueError: The weights do not fit.
    """
    check_weights(weights, len(scores))
    return sum(weight * score
               for weight, score in zip(weights, scores)) / sum(weights)


def choose_average(files: Sequence[ScoreFile], average: str = 'auto') -> str:
    """What can be averaged: ``'score'`` or ``'prob'``.

    Args:
        files: Files that shall be fused.
        average: ``'score'``, ``'prob'``, or ``'auto'`` for what the files
            have.

    Raises:
        ValueError: Files of both kinds, or a file of probabilities whose
            scores are asked for.
    """
    if average not in ('auto', *_NAMES):
        raise ValueError(f"average must be 'auto', 'score' or 'prob', got "
                         f'{average!r}.')
    names = {
        kind: ', '.join(file.name for file in files if file.kind == kind)
        for kind in _NAMES
    }
    if average == 'auto':
        if all(names.values()):
            raise ValueError(
                f'{names["score"]} has class scores, but {names["prob"]} has '
                'probabilities; average="prob" (--average prob) turns scores '
                'into probabilities with a softmax.')
        return 'score' if names['score'] else 'prob'
    if average == 'score' and names['prob']:
        raise ValueError(
            f'{names["prob"]} has probabilities, from which class scores '
            "cannot be had; dump it again with average_clips='score' of the "
            'head, or average probabilities.')
    return average


def averaged_scores(files: Sequence[ScoreFile],
                    average: str) -> list[Tensor]:
    """The scores that go into the mean.

    Args:
        files: Files to fuse.
        average: ``'score'`` or ``'prob'``, see :func:`choose_average`. A
            file of scores becomes probabilities by a softmax of each row.

    Returns:
        ``(num_videos, num_classes)`` of each file.
    """
    return [
        file.scores.softmax(dim=1)
        if average == 'prob' and file.kind == 'score' else file.scores
        for file in files
    ]


def describe_average(files: Sequence[ScoreFile], average: str) -> str:
    """What is averaged, and what has become of which file, in 1 or 2 lines."""
    line = f'averaged: {_NAMES[average]}'
    softened = [file.name for file in files if file.kind == 'score']
    if average == 'prob' and softened:
        line += (
            f' (by a softmax of the scores in {", ".join(softened)})\n'
            'that is the softmax of the scores averaged over the samples; a '
            "test of a fusion averages the samples' probabilities (dump with "
            'model.average=prob for those)')
    return line


def score_accuracy(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracies as ``AccMetric`` has them, in [0, 1].

    Args:
        scores: ``(num_videos, num_classes)``.
        labels: ``(num_videos, )``.

    Returns:
        ``top1``, ``top5`` and ``mean1``, the mean over the classes.
    """
    scores, labels = scores.numpy(), labels.numpy()
    top1, top5 = top_k_accuracy(scores, labels, (1, 5))
    return dict(
        top1=float(top1),
        top5=float(top5),
        mean1=float(mean_class_accuracy(scores, labels)))


def accuracy_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A text table of accuracies.

    Args:
        rows: :func:`score_accuracy` by name of the row.
    """
    width = max(map(len, rows))
    columns = list(next(iter(rows.values())))
    return '\n'.join([
        ' ' * width + ''.join(f'{column:>8}' for column in columns),
        *(f'{name:<{width}}' + ''.join(f'{row[column]:8.4f}'
                                       for column in columns)
          for name, row in rows.items())
    ])


def search_weights(scores: Sequence[Tensor],
                   labels: Tensor) -> tuple[tuple[float, ...], float]:
    """The weights with the best top-1 accuracy, on a grid.

    The weights sum to 1, in steps of 0.05 for two models and of 0.1 for
    more; equal weights are always among them. Of several best ones those
    nearest to equal weights are taken, then those that favour the earlier
    models.

    Args:
        scores: Scores of each model, ``(num_videos, num_classes)``, of videos
            that are not the test set.
        labels: ``(num_videos, )``.

    Returns:
        The weights, and their top-1 accuracy in [0, 1].

    Raises:
        ValueError: The grid of so many models would be too large.
    """
    number = len(scores)
    if number > _MAX_SEARCHED_FILES:
        raise ValueError(
            f'weights of {number} score files cannot be searched, only of up '
            f'to {_MAX_SEARCHED_FILES}; give --weights, or fuse fewer files.')

    def rank(weights: tuple[float, ...]) -> tuple:
        predicted = weighted_mean(scores, weights).argmax(dim=1)
        distance = sum((weight - 1 / number)**2 for weight in weights)
        # Rounded, or the last bit would decide between mirrored weights.
        return ((predicted == labels).sum().item(), -round(distance, 9),
                weights)

    equal = (1 / number, ) * number
    best = max(map(rank, [equal, *weight_grid(number)]))
    return best[-1], best[0] / len(labels)


def weight_grid(number: int) -> Iterator[tuple[float, ...]]:
    """All weights of a number of models that sum to 1.

    Args:
        number: Number of models.
    """
    steps = 20 if number < 3 else 10
    # Bars between the steps: the weights are the gaps (stars and bars).
    for bars in combinations(range(steps + number - 1), number - 1):
        ends = (-1, *bars, steps + number - 1)
        yield tuple((right - left - 1) / steps
                    for left, right in zip(ends, ends[1:]))
