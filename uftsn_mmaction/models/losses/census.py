# SPDX-License-Identifier: Apache-2.0
"""Soft census transform and distance (eq. 7).

The Hamming distance of two census codes counts comparisons that differ and
has no gradient. Its soft form follows UnFlow (Meister et al., 2017): a bounded
difference in place of each bit, a bounded square in place of each comparison,
with the constants 0.81 and 0.1 for images in 0..255.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# ITU-R BT.601 luma of RGB.
_LUMA = (0.299, 0.587, 0.114)


def check_patch_size(patch_size: int) -> None:
    """Check that a patch has a centre and neighbours."""
    if patch_size < 3 or patch_size % 2 == 0:
        raise ValueError('patch_size of the census must be odd and 3 or more, '
                         f'got {patch_size}')


def census_transform(image: Tensor, patch_size: int = 3) -> Tensor:
    """Compute the soft census code of each pixel.

    Args:
        image: RGB images ``(N, 3, H, W)`` in 0..255.
        patch_size: Side of the square patch, odd.

    Returns:
        ``(N, patch_size**2 - 1, H, W)`` in (-1, 1): the difference of each
        neighbour to the centre, one channel per neighbour. Beyond the border
        the image counts as black.

    Example:
        >>> import torch
        >>> image = torch.zeros(1, 3, 3, 3)
        >>> image[..., 2] = 255.  # bright on the right
        >>> census_transform(image)[0, :, 1, 1].round()
        tensor([0., 0., 1., 0., 1., 0., 0., 1.])
    """
    check_patch_size(patch_size)
    height, width = image.shape[-2:]
    weights = image.new_tensor(_LUMA).view(1, 3, 1, 1)
    grey = (image * weights).sum(1, keepdim=True)
    padded = F.pad(grey, (patch_size // 2, ) * 4)
    centre = patch_size**2 // 2
    neighbours = torch.cat([
        padded[..., y:y + height, x:x + width]
        for y, x in (divmod(k, patch_size) for k in range(patch_size**2)
                     if k != centre)
    ], 1)
    difference = neighbours - grey
    return difference / torch.sqrt(0.81 + difference**2)


def census_distance(first: Tensor, second: Tensor) -> Tensor:
    """Compute the soft Hamming distance of two census codes (eq. 7).

    Codes are ``(N, C, H, W)``, distances ``(N, 1, H, W)`` from 0 to below C.
    """
    squared = (first - second)**2
    return (squared / (0.1 + squared)).sum(1, keepdim=True)


def whole_patch_mask(mask: Tensor, patch_size: int) -> Tensor:
    """Keep pixels whose whole patch is within the mask ``(N, 1, H, W)``."""
    margin = patch_size // 2
    return -F.max_pool2d(F.pad(-mask, (margin, ) * 4), patch_size, stride=1)
