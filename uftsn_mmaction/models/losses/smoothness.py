# SPDX-License-Identifier: Apache-2.0
"""Edge-aware smoothness of the flow (eq. 8)."""
from __future__ import annotations

from typing import Any

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
        penalty: Penalty of each derivative, see :func:`penalize`.
        kwargs: Arguments of :class:`FlowLoss`.
    """

    def __init__(self,
                 weight: float = 50.0,
                 order: int = 1,
                 edge_weight: float = 1.0,
                 penalty: str = 'l1',
                 **kwargs: Any) -> None:
        super().__init__(weight=weight, **kwargs)
        check_penalty(penalty)
        if order not in (1, 2):
            raise ValueError(
                f'order of SmoothnessLoss must be 1 or 2, got {order!r}')
        self.order = order
        self.edge_weight = edge_weight
        self.penalty = penalty

    def compute(self, level: Level) -> dict[str, Tensor]:
        """Weight the changes of the flow by the edges of the first frame."""
        loss = smoothness_loss(level.flow, level.first, self.order,
                               self.edge_weight, self.penalty)
        return dict(loss_smoothness=loss)
