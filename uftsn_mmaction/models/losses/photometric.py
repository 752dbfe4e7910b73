# SPDX-License-Identifier: Apache-2.0
"""Photometric loss: L1 per pixel, census per patch (eq. 6, 7)."""
from __future__ import annotations

from typing import Any

from mmaction.registry import MODELS
from torch import Tensor

from .base import FlowLoss
from .census import census_distance, check_patch_size, whole_patch_mask
from .level import Level
from .penalty import check_penalty, masked_mean, penalize


def difference_loss(level: Level, penalty: str = 'l1') -> Tensor:
    """Average the L1 norm of the RGB difference over valid pixels (eq. 6)."""
    difference = penalize(level.first - level.warped, penalty)
    return masked_mean(difference.sum(1, keepdim=True), level.valid_mask)


def census_loss(level: Level, patch_size: int = 3) -> Tensor:
    """Average the census distance over wholly valid patches (eq. 7)."""
    distance = census_distance(*level.census(patch_size))
    mask = whole_patch_mask(level.valid_mask, patch_size)
    return masked_mean(distance, mask)


@MODELS.register_module()
class PhotometricLoss(FlowLoss):
    r"""Multi-scale photometric loss (eq. 6, 7 and their part of eq. 9).

    .. math:: \frac{1}{M} (\lambda_1 L_{diff} + \lambda_2 L_{census})

    Its losses are ``loss_difference`` and ``loss_census``.

    Args:
        difference_weight: :math:`\lambda_1`; 0 omits the term.
        census_weight: :math:`\lambda_2`; 0 omits the term.
        patch_size: Side of the census patch, odd.
        penalty: Penalty of the difference in each channel, see
            :func:`penalize`.
        kwargs: Arguments of :class:`FlowLoss`.
    """

    def __init__(self,
                 difference_weight: float = 0.2,
                 census_weight: float = 1.0,
                 patch_size: int = 3,
                 penalty: str = 'l1',
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_penalty(penalty)
        check_patch_size(patch_size)
        weights = difference_weight, census_weight
        if min(weights) < 0 or max(weights) == 0:
            raise ValueError(
                'difference_weight and census_weight must be 0 or more and '
                f'not both 0, got {difference_weight} and {census_weight}')
        self.difference_weight = difference_weight
        self.census_weight = census_weight
        self.patch_size = patch_size
        self.penalty = penalty

    def compute(self, level: Level) -> dict[str, Tensor]:
        """Compare each frame with its neighbour warped by the flow."""
        losses = {}
        if self.difference_weight:
            losses['loss_difference'] = (
                self.difference_weight * difference_loss(level, self.penalty))
        if self.census_weight:
            losses['loss_census'] = (
                self.census_weight * census_loss(level, self.patch_size))
        return losses
