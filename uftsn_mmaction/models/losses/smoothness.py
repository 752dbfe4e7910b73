# SPDX-License-Identifier: Apache-2.0
"""Edge-aware smoothness of the flow (eq. 8)."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from .level import check_level_weights, iterate_levels
from .penalty import PENALTIES, penalize


def smoothness_loss(flow: Tensor,
                    image: Tensor,
                    order: int = 1,
                    edge_weight: float = 1.0,
                    penalty: str = 'l1') -> Tensor:
    r"""Penalise changes of the flow where the image does not change (eq. 8).

    .. math:: \frac{1}{M} \sum_{d=x,y} \sum_{i,j} \| \nabla_d U \|_1
        e^{-\| \nabla_d I_1 \|_1}

    Args:
        flow: Flow ``(N, 2, H, W)`` in pixels.
        image: First frame ``(N, 3, H, W)`` in 0..255.
        order: 1 penalises each change of the flow, 2 each deviation from a
            linear course.
        edge_weight: Factor of the image gradient in the exponent.
        penalty: Penalty of each flow derivative, see :func:`penalize`.

    Returns:
        A scalar.
    """
    total = flow.new_zeros(())
    for dim in (-1, -2):
        size = flow.shape[dim]
        if size <= order:
            continue
        # Second order: the three pixels i-1, i, i+1 share the larger of
        # their two image edges.
        gradient = torch.diff(flow, n=order, dim=dim)
        edge = torch.diff(image, dim=dim).abs().sum(1, keepdim=True)
        if order == 2:
            edge = torch.maximum(
                edge.narrow(dim, 0, size - 2), edge.narrow(dim, 1, size - 2))
        change = penalize(gradient, penalty).sum(1, keepdim=True)
        total = total + (change * torch.exp(-edge_weight * edge)).mean()
    return total


@MODELS.register_module()
class SmoothnessLoss(nn.Module):
    r"""Multi-scale smoothness loss (eq. 8 and its part of eq. 9).

    Args:
        weight: :math:`\lambda_3`.
        order: Order of the flow's derivative, 1 or 2.
        edge_weight: Factor of the image gradient in the exponent.
        level_weights: Weight of each level, level 0 first.
        penalty: Penalty of each derivative, see :func:`penalize`.
        image_scale: Factor from the clip's range to 0..255, which the
            exponent of eq. 8 presumes.
    """

    def __init__(self,
                 weight: float = 50.0,
                 order: int = 1,
                 edge_weight: float = 1.0,
                 level_weights: Sequence[float] = (1., 1., 1., 1., 1.),
                 penalty: str = 'l1',
                 image_scale: float = 255.) -> None:
        super().__init__()
        if order not in (1, 2):
            raise ValueError(
                f'order of SmoothnessLoss must be 1 or 2, got {order!r}')
        if penalty not in PENALTIES:
            raise ValueError(
                f'penalty must be one of {PENALTIES}, got {penalty!r}')
        if weight < 0:
            raise ValueError('weight of SmoothnessLoss must be 0 or more, got '
                             f'{weight}')
        self.weight = weight
        self.order = order
        self.edge_weight = edge_weight
        self.level_weights = check_level_weights(level_weights)
        self.penalty = penalty
        self.image_scale = image_scale

    def forward(self,
                flows: Sequence[Tensor],
                clip: Tensor,
                backward: bool = False) -> dict[str, Tensor]:
        """Smoothness of each level's flow.

        Args:
            flows: Flows ``(N, 2, T-1, H_l, W_l)``, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            backward: True if the flows lead from frame t+1 to frame t.

        Returns:
            ``loss_smoothness``, a scalar.
        """
        total = clip.new_zeros((), dtype=torch.float32)
        for weight, flow, first, _ in iterate_levels(
                flows, clip, self.level_weights, self.image_scale, backward):
            total = total + weight * smoothness_loss(
                flow, first, self.order, self.edge_weight, self.penalty)
        return dict(loss_smoothness=self.weight * total)
