# SPDX-License-Identifier: Apache-2.0
"""Choice of the weights of a late fusion on videos outside the test set."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from torch import Tensor

from .score_fusion import weighted_mean

# Beyond this even steps of 0.1 are thousands of weightings.
_MAX_MODELS = 6


def search_weights(scores: Sequence[Tensor],
                   labels: Tensor) -> tuple[tuple[float, ...], float]:
    """Return the weights with the best top-1 accuracy, and that accuracy.

    The weights sum to 1, in steps of 0.05 for two models and of 0.1 for
    more; equal weights are always among them. Ties go to those nearest to
    equal weights, then to those that favour the earlier models.

    Args:
        scores: ``(num_videos, num_classes)`` of each model, of videos that
            are not the test set.
        labels: ``(num_videos, )``.

    Raises:
        ValueError: If the grid of so many models would be too large.
    """
    number = len(scores)
    if number > _MAX_MODELS:
        raise ValueError(
            f'weights of {number} models cannot be searched, only of up to '
            f'{_MAX_MODELS}; give --weights, or fuse fewer files')

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
    """Yield all weights of a number of models that sum to 1.

    >>> [*weight_grid(2)][:3]
    [(0.0, 1.0), (0.05, 0.95), (0.1, 0.9)]
    """
    steps = 20 if number < 3 else 10
    # Bars between the steps: the weights are the gaps (stars and bars).
    for bars in combinations(range(steps + number - 1), number - 1):
        ends = (-1, *bars, steps + number - 1)
        yield tuple((right - left - 1) / steps
                    for left, right in zip(ends, ends[1:]))
