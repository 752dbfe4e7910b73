# SPDX-License-Identifier: Apache-2.0
"""Penalty functions and the mean over the pixels that count (eq. 6 to 9)."""
from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size, is_distributed
from torch import Tensor

PENALTIES = ('l1', 'charbonnier', 'robust')


def check_penalty(penalty: str, setting: str = 'penalty') -> None:
    """Check the name of a penalty."""
    if penalty not in PENALTIES:
        raise ValueError(
            f'{setting} must be one of {PENALTIES}, got {penalty!r}')


def penalize(x: Tensor, penalty: str = 'l1') -> Tensor:
    """Penalise each difference, whatever its sign.

    Args:
        x: Differences of any shape.
        penalty: ``'l1'``, the norm of eq. 6 and 8; ``'charbonnier'``,
            sqrt(x**2 + 0.001**2), an L1 norm with a derivative at zero; or
            ``'robust'``, (abs(x) + 0.01)**0.4 of DDFlow (Liu et al., 2019),
            which reduces the weight of outliers such as occluded pixels.

    Returns:
        Penalties, same shape.

    Raises:
        ValueError: If there is no such penalty.

    Example:
        >>> import torch
        >>> penalize(torch.tensor([-2., 0., 3.]))
        tensor([2., 0., 3.])
    """
    check_penalty(penalty)
    if penalty == 'l1':
        return x.abs()
    if penalty == 'charbonnier':
        return torch.sqrt(x * x + 1e-6)
    return (x.abs() + 0.01)**0.4


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Average ``x (N, 1, H, W)`` over the pixels where the mask is 1.

    The 1/M of eq. 9, with M as the number of pixels that count: divided by
    all pixels, the loss would reward a flow that leaves the frame. An empty
    mask gives 0.

    In a distributed training M is the mean over all processes, which have to
    call this alike. The mean of their gradients, which they then take, is
    that of one process with all samples.
    """
    count = mask.sum()
    if is_distributed():
        count = count.clone()
        all_reduce(count)
        return (x * mask).sum() * get_world_size() / count.clamp(min=1)
    return (x * mask).sum() / count.clamp(min=1)
