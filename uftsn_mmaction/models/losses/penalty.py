# SPDX-License-Identifier: Apache-2.0
"""Penalty functions of a difference, and means over the pixels that count."""
from __future__ import annotations

import torch
from torch import Tensor

PENALTIES = ('l1', 'charbonnier', 'robust')


def penalize(x: Tensor, penalty: str = 'l1') -> Tensor:
    """Penalty of each difference, without weight of its sign.

    Args:
        x: Differences of any shape.
        penalty: ``'l1'`` is the norm of eq. 6; ``'charbonnier'`` is
            sqrt(x**2 + 0.001**2), L1 with a derivative at zero;
            ``'robust'`` is (abs(x) + 0.01)**0.4 of DDFlow, which lets
            occluded pixels weigh less.

    Returns:
        Penalties, same shape.
    """
    if penalty == 'l1':
        return x.abs()
    if penalty == 'charbonnier':
        return torch.sqrt(x * x + 1e-6)
    if penalty == 'robust':
        return (x.abs() + 0.01)**0.4
    raise ValueError(f'penalty must be one of {PENALTIES}, got {penalty!r}')


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``x (N, 1, H, W)`` where the mask is 1: the 1/M of eq. 9.

    Dividing by all pixels, as eq. 9 has it, would reward a flow for pointing
    out of the frame. An empty mask gives zero.
    """
    return (x * mask).sum() / mask.sum().clamp(min=1)
