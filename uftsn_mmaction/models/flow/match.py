# SPDX-License-Identifier: Apache-2.0
"""Cost volume of two feature maps within a search square (eq. 3)."""
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

FEATURE_NORMS = ('unit', 'instance', None)


def normalize_features(feature: Tensor, mode: str | None = 'unit') -> Tensor:
    """Prepare one frame's feature for the dot product of eq. 3.

    The paper does not say what enters the dot product. With raw features the
    product follows their brightness more than their likeness, and training
    is several times slower to leave the zero flow; hence this choice of ours.

    Args:
        feature: Feature ``(N, C, H, W)`` of one frame.
        mode: ``'unit'`` removes each channel's spatial mean and gives the
            vector of each pixel the length sqrt(C), so that eq. 3 becomes a
            cosine; ``'instance'`` gives each channel mean 0 and variance 1;
            None leaves the feature as it is.

    Returns:
        The feature in float32 at least, same shape.
    """
    feature = feature.to(torch.promote_types(feature.dtype, torch.float32))
    if mode is None:
        return feature
    if mode == 'instance':
        return F.instance_norm(feature)
    if mode == 'unit':
        centred = feature - feature.mean(dim=(2, 3), keepdim=True)
        # Not F.normalize: torch's vector norm over a few channels takes
        # several times as long on CPUs. Below a length of about 1e-3,
        # a quarter of a grey level in an image, a feature fades to zero, so
        # that the noise of flat regions does not compare as texture.
        mean_square = (centred * centred).mean(dim=1, keepdim=True)
        return centred * torch.rsqrt(mean_square + 1e-6)
    raise ValueError(f'feature_norm must be one of {FEATURE_NORMS}, '
                     f'got {mode!r}')


class _CostVolume(torch.autograd.Function):
    """The loop over the shifts with its derivative written out.

    Autograd over the same loop keeps one node and one temporary for each of
    the (2r+1)**2 shifts, which makes a training step more than twice as long.
    """

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor,
                max_displacement: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.max_displacement = max_displacement
        batch, channels, height, width = first.shape
        side = 2 * max_displacement + 1
        padded = F.pad(second, (max_displacement, ) * 4)
        volume = first.new_empty(batch, side * side, height, width)
        # Fresh memory for each shift takes longer than the product itself.
        product = torch.empty_like(first)
        for shift in range(side * side):
            y, x = divmod(shift, side)
            window = padded[:, :, y:y + height, x:x + width]
            torch.mul(first, window, out=product)
            torch.sum(product, dim=1, out=volume[:, shift])
        return volume.div_(channels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        first, second = ctx.saved_tensors
        radius = ctx.max_displacement
        channels, height, width = first.shape[1:]
        side = 2 * radius + 1
        padded = F.pad(second, (radius, ) * 4)
        grad = grad / channels
        grad_first = torch.zeros_like(first)
        grad_padded = torch.zeros_like(padded)
        for shift in range(side * side):
            y, x = divmod(shift, side)
            window = (..., slice(y, y + height), slice(x, x + width))
            here = grad[:, shift:shift + 1]
            grad_first.addcmul_(here, padded[window])
            grad_padded[window].addcmul_(here, first)
        inner = (..., slice(radius, radius + height),
                 slice(radius, radius + width))
        return grad_first, grad_padded[inner], None


def cost_volume(first: Tensor, second: Tensor,
                max_displacement: int) -> Tensor:
    r"""Compare each pixel with a square of the other feature map (eq. 3).

    .. math:: CostVolume(x_1, x_2) = \frac{1}{N} q_1(x_1)^T \hat{q}_2(x_2)

    Args:
        first: Feature of the first frame ``(N, C, H, W)``.
        second: Warped feature of the second frame, same shape.
        max_displacement: Radius r of the search square, in pixels.

    Returns:
        ``(N, (2r+1)**2, H, W)``; channel ``(dy + r) * (2r+1) + dx + r`` holds
        the product with the pixel at ``(y + dy, x + dx)``, zero outside of
        the frame.

    Raises:
        ValueError: The shapes differ or the radius is negative.
    """
    if first.shape != second.shape or first.dim() != 4:
        raise ValueError('cost_volume expects two features (N, C, H, W) of '
                         f'one shape, got {tuple(first.shape)} and '
                         f'{tuple(second.shape)}')
    if max_displacement < 0:
        raise ValueError('max_displacement must be 0 or more, got '
                         f'{max_displacement}')
    return _CostVolume.apply(first, second, max_displacement)
