# SPDX-License-Identifier: Apache-2.0
"""Late fusion: the weighted mean of the predictions of several models.

Class scores before the softmax and probabilities fuse differently: an
over-confident stream weighs more in the mean of probabilities.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

from mmaction.evaluation import mean_class_accuracy, top_k_accuracy
from torch import Tensor

from .score_file import ScoreFile


def check_weights(weights: Sequence[float], number: int) -> None:
    """Check the weights of a mean over a number of models.

    Raises:
        ValueError: If there is another number of weights, one is negative or
            not finite, or none is above 0.
    """
    if len(weights) != number:
        raise ValueError(f'got {len(weights)} weights for {number} models; '
                         'give one weight for each')
    if not (all(weight >= 0 for weight in weights)
            and 0 < sum(weights) < math.inf):
        raise ValueError(f'weights are {list(weights)}, expected finite '
                         'numbers from 0 up, at least one of them above 0')


def weighted_mean(scores: Sequence[Tensor],
                  weights: Sequence[float]) -> Tensor:
    """Return ``sum(w * s) / sum(w)`` of the scores of models, of one shape.

    >>> import torch
    >>> spatial, temporal = torch.tensor([3., 0.]), torch.tensor([0., 6.])
    >>> weighted_mean([spatial, temporal], [2, 1])
    tensor([2., 2.])
    """
    check_weights(weights, len(scores))
    return sum(weight * score
               for weight, score in zip(weights, scores)) / sum(weights)


def averaged_scores(files: Sequence[ScoreFile],
                    average: str) -> list[Tensor]:
    """Return ``(num_videos, num_classes)`` of each file for the mean.

    With ``average='prob'``, the softmax makes probabilities of class scores.
    """
    return [
        file.scores.softmax(dim=1)
        if average == 'prob' and file.kind == 'score' else file.scores
        for file in files
    ]


def choose_average(files: Sequence[ScoreFile],
                   average: str = 'auto') -> tuple[str, str]:
    """Choose between class scores and probabilities.

    Args:
        files: Files to fuse.
        average: ``'score'``, ``'prob'``, or ``'auto'`` for what the files
            have.

    Returns:
        ``'score'`` or ``'prob'``, and one or two lines that describe it.

    Raises:
        ValueError: If the files have both kinds and none is asked for, or
            scores are asked for where a file has probabilities.
    """
    if average not in ('auto', 'score', 'prob'):
        raise ValueError("average must be 'auto', 'score' or 'prob', got "
                         f'{average!r}')
    scores, probs = (', '.join(file.name for file in files
                               if file.kind == kind)
                     for kind in ('score', 'prob'))
    if average == 'auto' and scores and probs:
        raise ValueError(
            f'{scores} has class scores, but {probs} has probabilities; '
            'average="prob" (--average prob) turns scores into probabilities '
            'by a softmax')
    if average == 'score' and probs:
        raise ValueError(
            f'{probs} has probabilities, which cannot be turned into class '
            "scores; dump it again with average_clips='score' of the head, or "
            'average probabilities')
    if average == 'score' or not probs and average == 'auto':
        return 'score', 'averaged: class scores'
    if not scores:
        return 'prob', 'averaged: probabilities'
    return 'prob', (
        f'averaged: probabilities (by a softmax of the scores in {scores})\n'
        'a softmax of scores averaged over the samples; the test of a fusion '
        "averages the samples' probabilities instead (dump with "
        'model.average=prob for those)')


def score_accuracy(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the accuracies that ``AccMetric`` reports, in [0, 1].

    >>> import torch
    >>> scores = torch.tensor([[2., 1.], [0., 1.], [3., 1.]])
    >>> score_accuracy(scores, torch.tensor([0, 1, 1]))
    {'top1': 0.666..., 'top5': 1.0, 'mean1': 0.75}
    """
    scores, labels = scores.numpy(), labels.numpy()
    top1, top5 = top_k_accuracy(scores, labels, (1, 5))
    mean1 = mean_class_accuracy(scores, labels)
    return dict(top1=float(top1), top5=float(top5), mean1=float(mean1))
