# SPDX-License-Identifier: Apache-2.0
"""End-point error on generated motion, whose true flow nobody annotated."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor

from .base import FlowLoss
from .level import Level
from .penalty import masked_mean


def end_point_error_loss(level: Level,
                         exponent: float = 0.5,
                         epsilon: float = 0.01) -> Tensor:
    """Average the penalised end-point error over the known pixels.

    Args:
        level: Level with the true flow.
        exponent: Exponent of the penalty; 1 is the end-point error itself,
            below 1 small errors count for more.
        epsilon: Added to the error, in pixels, to bound the derivative.
    """
    known = torch.isfinite(level.gt_flow).all(1, keepdim=True)
    difference = level.flow - torch.where(known, level.gt_flow, level.flow)
    # Several times as fast on CPUs as vector_norm, whose length 0 it keeps.
    error = (difference.square().sum(1, keepdim=True) + 1e-12).sqrt()
    return masked_mean((error + epsilon)**exponent, known.to(error.dtype))


@MODELS.register_module()
class EndPointErrorLoss(FlowLoss):
    r"""Multi-scale end-point error against the flow of generated clips.

    .. math:: \sum_l w_l \frac{1}{M} \sum_x (\|U^l(x) - U^l_{gt}(x)\|_2
        + \epsilon)^q

    Its loss is ``loss_end_point_error``. The samples need ``gt_flow`` and
    ``gt_flow_back``, as those of ``RandomMotionDataset`` have.

    Args:
        level_weights: See :class:`FlowLoss`. The error is in pixels of the
            level: with an exponent of 0.5, equal weights give level l the
            weight ``0.5**(l / 2)`` in pixels of the frame.
        exponent: Exponent q of the error (PWC-Net fine-tunes with 0.4; Sun et
            al., CVPR 2018).
        epsilon: Added to the error, in pixels.
        kwargs: Arguments of :class:`FlowLoss`.

    Raises:
        ValueError: If the exponent or epsilon is not above 0.
    """

    needs_gt_flow = True

    def __init__(self,
                 level_weights: Sequence[float] = (1., 0., 1., 1., 1.),
                 exponent: float = 0.5,
                 epsilon: float = 0.01,
                 **kwargs: Any) -> None:
        super().__init__(level_weights, **kwargs)
        for name, value in dict(exponent=exponent, epsilon=epsilon).items():
            if not value > 0:
                raise ValueError(f'{name} of EndPointErrorLoss must be above '
                                 f'0, got {value!r}')
        self.exponent = exponent
        self.epsilon = epsilon

    def compute(self, level: Level) -> dict[str, Tensor]:
        """Compare the flow of a level with the true one."""
        loss = end_point_error_loss(level, self.exponent, self.epsilon)
        return dict(loss_end_point_error=loss)
