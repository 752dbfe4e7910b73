# SPDX-License-Identifier: Apache-2.0
"""Photometric loss: L1 per pixel, census or SSIM per patch (eq. 6, 7)."""
from __future__ import annotations

from typing import Any

from mmaction.registry import MODELS
from torch import Tensor

from .base import FlowLoss
from .census import census_distance, check_patch_size, whole_patch_mask
from .level import Level
from .occlusion import check_occlusion, unless_too_few
from .penalty import check_penalty, masked_mean, penalize
from .progress import check_begin, has_begun
from .ssim import SSIM_PATCH_SIZE, ssim_distance


def difference_loss(level: Level,
                    penalty: str = 'l1',
                    visible_mask: Tensor | None = None) -> Tensor:
    """Average the L1 norm of the RGB difference (eq. 6).

    Args:
        level: Level.
        penalty: Penalty of the difference in each channel.
        visible_mask: Mask ``(P, 1, h, w)`` of the valid pixels that count,
            None for all.
    """
    difference = penalize(level.first - level.warped, penalty)
    mask = _with_visible(level.valid_mask, visible_mask)
    return masked_mean(difference.sum(1, keepdim=True), mask)


def census_loss(level: Level,
                patch_size: int = 3,
                penalty: str = 'l1',
                visible_mask: Tensor | None = None) -> Tensor:
    """Average the penalised census distance over valid patches (eq. 7).

    Args:
        level: Level. Smaller than a patch, it has no valid one and adds 0.
        patch_size: Side of the patch.
        penalty: Penalty of the distance.
        visible_mask: Mask ``(P, 1, h, w)`` of the patches that count, by
            their centre, None for all. A hidden neighbour changes one bit of
            many; to drop its patch would leave out the motion boundaries.
    """
    distance = penalize(census_distance(*level.census(patch_size)), penalty)
    mask = whole_patch_mask(level.valid_mask, patch_size)
    return masked_mean(distance, _with_visible(mask, visible_mask))


def ssim_loss(level: Level, visible_mask: Tensor | None = None) -> Tensor:
    """Average :func:`ssim_distance` over valid patches, as the census."""
    distance = ssim_distance(level.first, level.warped)
    mask = whole_patch_mask(level.valid_mask, SSIM_PATCH_SIZE)
    return masked_mean(distance, _with_visible(mask, visible_mask))


@MODELS.register_module()
class PhotometricLoss(FlowLoss):
    r"""Multi-scale photometric loss (eq. 6, 7 and their part of eq. 9).

    .. math:: \frac{1}{M} (\lambda_1 L_{diff} + \lambda_2 L_{census})

    Pairs of equal frames, as where a clip repeats the last frame of a short
    video, do not count. Its losses are ``loss_difference``, ``loss_census``
    and, beyond the paper, ``loss_ssim``.

    Args:
        difference_weight: :math:`\lambda_1`; 0 omits the term.
        census_weight: :math:`\lambda_2`; 0 omits the term.
        patch_size: Side of the census patch, odd. Levels smaller than a patch
            need another term.
        penalty: Penalty of the difference in each channel, see
            :func:`penalize`.
        census_penalty: Penalty of the census distance.
        ssim_weight: Weight of :func:`ssim_distance`, which is 1 at most; 0
            omits the term.
        occlusion: Method that finds the pixels which the other frame does not
            show, so that they do not count: ``'forward_backward'``, see
            :func:`forward_backward_mask`, or ``'range_map'``, see
            :func:`range_map_mask`; None counts all pixels.
        occlusion_begin: Number of training steps before ``occlusion``
            applies, since the first flows hide nearly everything.
        min_visible: Share of the valid pixels that has to be visible; a pair
            with fewer counts all.
        kwargs: Arguments of :class:`FlowLoss`.
    """

    def __init__(self,
                 difference_weight: float = 0.2,
                 census_weight: float = 1.0,
                 patch_size: int = 3,
                 penalty: str = 'l1',
                 census_penalty: str = 'l1',
                 ssim_weight: float = 0.,
                 occlusion: str | None = None,
                 occlusion_begin: int = 0,
                 min_visible: float = 0.2,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_penalty(penalty)
        check_penalty(census_penalty, 'census_penalty')
        check_patch_size(patch_size)
        check_occlusion(occlusion)
        check_begin(occlusion_begin, 'occlusion_begin')
        weights = difference_weight, census_weight, ssim_weight
        if min(weights) < 0 or max(weights) == 0:
            raise ValueError(
                'difference_weight, census_weight and ssim_weight must be 0 '
                f'or more and not all 0, got {weights}')
        if not 0 <= min_visible <= 1:
            raise ValueError('min_visible must be a share from 0 to 1, got '
                             f'{min_visible}')
        self.difference_weight = difference_weight
        self.census_weight = census_weight
        self.patch_size = patch_size
        self.penalty = penalty
        self.census_penalty = census_penalty
        self.ssim_weight = ssim_weight
        self.occlusion = occlusion
        self.occlusion_begin = occlusion_begin
        self.min_visible = min_visible

    def compute(self, level: Level) -> dict[str, Tensor]:
        """Compare each frame with its neighbour warped by the flow."""
        losses = {}
        visible = _with_visible(level.changed_mask, self._visible_mask(level))
        if self.difference_weight:
            losses['loss_difference'] = self.difference_weight * (
                difference_loss(level, self.penalty, visible))
        if self.census_weight:
            losses['loss_census'] = self.census_weight * census_loss(
                level, self.patch_size, self.census_penalty, visible)
        if self.ssim_weight:
            losses['loss_ssim'] = self.ssim_weight * ssim_loss(level, visible)
        return losses

    def _visible_mask(self, level: Level) -> Tensor | None:
        """Return the pixels that count, None for all."""
        if self.occlusion is None or not has_begun(self.occlusion_begin,
                                                   'occlusion_begin'):
            return None
        return unless_too_few(
            level.visible_mask(self.occlusion), level.valid_mask,
            self.min_visible)


def _with_visible(mask: Tensor, visible_mask: Tensor | None) -> Tensor:
    return mask if visible_mask is None else mask * visible_mask
