# SPDX-License-Identifier: Apache-2.0
"""Edge-aware smoothness of the flow (eq. 8)."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor

from .base import FlowLoss
from .level import Level
from .penalty import check_penalty, penalize


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
        order: 1 penalises any change of the flow, 2 any deviation from
            linear flow.
        edge_weight: Factor of the image gradient in the exponent.
        penalty: Penalty of each flow derivative, see :func:`penalize`.

    Returns:
        A scalar.

    Example:
        >>> import torch
        >>> image, flow = torch.zeros(1, 3, 4, 4), torch.zeros(1, 2, 4, 4)
        >>> flow[..., 2:] = 3.  # one of three steps along x is 3 px in u and v
        >>> smoothness_loss(flow, image)
        tensor(2.)
        >>> image[..., 2:] = 255.  # an edge in the same place
        >>> smoothness_loss(flow, image)
        tensor(0.)
    """
    total = flow.new_zeros(())
    for dim in (-1, -2):
        size = flow.shape[dim]
        if size <= order:
            continue
        gradient = torch.diff(flow, n=order, dim=dim)
        edge = torch.diff(image, dim=dim).abs().sum(1, keepdim=True)
        if order == 2:
            # The second difference of i-1, i, i+1 spans two image gradients.
            edge = torch.maximum(
                edge.narrow(dim, 0, size - 2), edge.narrow(dim, 1, size - 2))
        change = penalize(gradient, penalty).sum(1, keepdim=True)
        total = total + (change * torch.exp(-edge_weight * edge)).mean()
    return total


@MODELS.register_module()
class SmoothnessLoss(FlowLoss):
    r"""Multi-scale smoothness loss (eq. 8 and its part of eq. 9).

    Its loss is ``loss_smoothness``.

    Args:
        weight: :math:`\lambda_3`.
        order: Order of the flow derivative, 1 or 2.
        edge_weight: Factor of the image gradient in the exponent.
        level_weights: Weight of each level, level 0 first.
        penalty: Penalty of each derivative, see :func:`penalize`.
        image_scale: Factor from the range of the clip to 0..255, the range
            that the exponent of eq. 8 assumes.
    """

    def __init__(self,
                 weight: float = 50.0,
                 order: int = 1,
                 edge_weight: float = 1.0,
                 level_weights: Sequence[float] = (1., 1., 1., 1., 1.),
                 penalty: str = 'l1',
                 image_scale: float = 255.) -> None:
        super().__init__(level_weights, image_scale)
        check_penalty(penalty)
        if order not in (1, 2):
            raise ValueError(
                f'order of SmoothnessLoss must be 1 or 2, got {order!r}')
        if weight < 0:
            raise ValueError('weight of SmoothnessLoss must be 0 or more, got '
                             f'{weight}')
        self.weight = weight
        self.order = order
        self.edge_weight = edge_weight
        self.penalty = penalty

    def compute(self, levels: Sequence[Level]) -> dict[str, Tensor]:
        """Weigh the changes of the flow by the edges of the first frame."""
        total = self.sum_levels(
            lambda level: smoothness_loss(level.flow, level.first, self.order,
                                          self.edge_weight, self.penalty),
            levels)
        return dict(loss_smoothness=self.weight * total)
