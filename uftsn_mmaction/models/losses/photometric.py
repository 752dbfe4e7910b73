# SPDX-License-Identifier: Apache-2.0
"""Photometric loss: L1 at pixel level, census at patch level (eq. 6, 7)."""
from __future__ import annotations

from collections.abc import Sequence

from mmaction.registry import MODELS
from torch import Tensor, nn

from ..flow.warp import backward_warp, valid_mask
from .census import census_loss, check_patch_size
from .level import check_level_weights, iterate_levels
from .penalty import PENALTIES, masked_mean, penalize


def difference_loss(first: Tensor,
                    second: Tensor,
                    mask: Tensor,
                    penalty: str = 'l1') -> Tensor:
    """Mean over valid pixels of the L1 norm of the RGB difference (eq. 6).

    Args:
        first: Images ``(N, 3, H, W)`` in 0..255.
        second: Warped images, same shape.
        mask: Valid pixels ``(N, 1, H, W)``.
        penalty: Penalty of each channel's difference, see :func:`penalize`.

    Returns:
        A scalar.
    """
    difference = penalize(first - second, penalty).sum(1, keepdim=True)
    return masked_mean(difference, mask)


@MODELS.register_module()
class PhotometricLoss(nn.Module):
    r"""Multi-scale photometric loss (eq. 6, 7 and their part of eq. 9).

    .. math:: \frac{1}{M} (\lambda_1 L_{diff} + \lambda_2 L_{census})

    Args:
        difference_weight: :math:`\lambda_1`; 0 leaves the term out.
        census_weight: :math:`\lambda_2`; 0 leaves the term out.
        patch_size: Side of the census patch.
        level_weights: Weight of each level, level 0 first.
        penalty: Penalty of the difference term, see :func:`penalize`.
        image_scale: Factor from the clip's range to 0..255, on which the
            weights depend: with images in [0, 1] the flow collapses.
    """

    def __init__(self,
                 difference_weight: float = 0.2,
                 census_weight: float = 1.0,
                 patch_size: int = 3,
                 level_weights: Sequence[float] = (1., 1., 1., 1., 1.),
                 penalty: str = 'l1',
                 image_scale: float = 255.) -> None:
        super().__init__()
        if penalty not in PENALTIES:
            raise ValueError(
                f'penalty must be one of {PENALTIES}, got {penalty!r}')
        check_patch_size(patch_size)
        if min(difference_weight, census_weight) < 0 or not (difference_weight
                                                             or census_weight):
            raise ValueError(
                'difference_weight and census_weight must be 0 or more and '
                f'not both 0, got {difference_weight} and {census_weight}')
        self.difference_weight = difference_weight
        self.census_weight = census_weight
        self.patch_size = patch_size
        self.level_weights = check_level_weights(level_weights)
        self.penalty = penalty
        self.image_scale = image_scale

    def forward(self,
                flows: Sequence[Tensor],
                clip: Tensor,
                backward: bool = False) -> dict[str, Tensor]:
        """Compare each frame with its neighbour warped by the flow.

        Args:
            flows: Flows ``(N, 2, T-1, H_l, W_l)``, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            backward: True if the flows lead from frame t+1 to frame t.

        Returns:
            ``loss_difference`` and ``loss_census``, scalars; a term of
            weight 0 is left out.
        """
        losses: dict[str, Tensor] = {}
        for weight, flow, first, second in iterate_levels(
                flows, clip, self.level_weights, self.image_scale, backward):
            warped = backward_warp(second, flow)
            mask = valid_mask(flow)
            terms = {}
            if self.difference_weight:
                terms['loss_difference'] = self.difference_weight * \
                    difference_loss(first, warped, mask, self.penalty)
            if self.census_weight:
                terms['loss_census'] = self.census_weight * census_loss(
                    first, warped, mask, self.patch_size)
            for name, term in terms.items():
                losses[name] = losses.get(name, 0) + weight * term
        return losses
