# SPDX-License-Identifier: Apache-2.0
"""Base class of the losses on flow: a weighted sum over levels."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from .level import Level, make_levels, resize_frames


def check_level_weights(weights: float | Sequence[float]) -> tuple[float, ...]:
    """Return the weights as a tuple of floats.

    Raises:
        ValueError: If there is none, one is negative, or all are 0.
    """
    if isinstance(weights, (int, float)):
        weights = (weights, )
    weights = tuple(float(weight) for weight in weights)
    if not weights or min(weights) < 0 or max(weights) == 0:
        raise ValueError(
            'level_weights must hold one weight per level, level 0 first, '
            f'none negative and at least one above 0, got {weights}')
    return weights


class FlowLoss(nn.Module, ABC):
    """Unsupervised loss on the flow of several levels.

    A subclass sums functions of a :class:`Level` in :meth:`compute`;
    :class:`UnsupervisedLoss` shares the levels between several losses.

    Args:
        level_weights: Weight of each level, level 0 first. A level of weight
            0 is skipped.
        image_scale: Factor from the range of the clip to 0..255.
    """

    def __init__(self,
                 level_weights: Sequence[float] = (1., 1., 1., 1., 1.),
                 image_scale: float = 255.) -> None:
        super().__init__()
        self.level_weights = check_level_weights(level_weights)
        self.image_scale = image_scale

    @abstractmethod
    def compute(self, levels: Sequence[Level]) -> dict[str, Tensor]:
        """Compute the losses of one direction.

        Args:
            levels: Levels, finest first, one per entry of ``level_weights``.

        Returns:
            Scalars by name; a name with ``loss`` in it enters the total.
        """

    def forward(self,
                flows: Sequence[Tensor] | Tensor,
                clip: Tensor,
                backward: bool = False) -> dict[str, Tensor]:
        """Compute the losses of one direction from flows and frames.

        Args:
            flows: Flows ``(N, 2, T-1, H_l, W_l)``, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            backward: Whether the flows lead from frame t+1 to frame t.

        Returns:
            Losses by name, see :meth:`compute`.

        Raises:
            ValueError: If the number of flows is not that of
                ``level_weights``.
        """
        flows = (flows, ) if isinstance(flows, Tensor) else tuple(flows)
        sizes = [flow.shape[-2:] for flow in flows]
        frames = resize_frames(clip, sizes, self.image_scale)
        return self.compute(make_levels(flows, frames, backward))

    def sum_levels(self, term: Callable[[Level], Tensor],
                   levels: Sequence[Level]) -> Tensor:
        """Sum a term over the levels with their weights (eq. 9).

        Raises:
            ValueError: If the number of levels is not that of
                ``level_weights``.
        """
        if len(levels) != len(self.level_weights):
            raise ValueError(
                f'level_weights of {type(self).__name__} has '
                f'{len(self.level_weights)} entries, but the flow estimator '
                f'returns {len(levels)} levels; give one weight per entry of '
                'its out_indices')
        return sum(weight * term(level)
                   for weight, level in zip(self.level_weights, levels)
                   if weight)
