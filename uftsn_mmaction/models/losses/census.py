# SPDX-License-Identifier: Apache-2.0
"""Soft census distance at patch level (eq. 7).

The Hamming distance of two census codes is a count of steps and has no
gradient. Its soft form is the one that UnFlow (Meister et al., 2017) made
common: a bounded difference in place of each bit, a bounded square in place
of each comparison, with the constants 0.81 and 0.1 for images in 0..255.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .penalty import masked_mean

# ITU-R BT.601 luma of RGB.
_LUMA = (0.299, 0.587, 0.114)


def check_patch_size(patch_size: int) -> None:
    """Refuse a patch without a centre, or without a neighbour."""
    if patch_size < 3 or patch_size % 2 == 0:
        raise ValueError('The census patch_size must be an odd number from 3 '
                         f'on (3, 5, 7), got {patch_size}')


def census_transform(image: Tensor, patch_size: int = 3) -> Tensor:
    """Soft census code of each pixel.

    Args:
        image: RGB images ``(N, 3, H, W)`` in 0..255.
        patch_size: Side of the square patch, odd.

    Returns:
        ``(N, patch_size**2 - 1, H, W)`` in (-1, 1): each neighbour's
        difference to the centre, one channel a neighbour.
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


def census_distance(first: Tensor,
                    second: Tensor,
                    patch_size: int = 3) -> Tensor:
    """Soft Hamming distance of the census codes of two images (eq. 7).

    Args:
        first: Images ``(N, 3, H, W)`` in 0..255.
        second: Images to compare with, same shape.
        patch_size: Side of the square patch, odd.

    Returns:
        ``(N, 1, H, W)``, from 0 to below ``patch_size**2 - 1``.
    """
    squared = (census_transform(first, patch_size) -
               census_transform(second, patch_size))**2
    return (squared / (0.1 + squared)).sum(1, keepdim=True)


def census_loss(first: Tensor,
                second: Tensor,
                mask: Tensor,
                patch_size: int = 3) -> Tensor:
    """Mean census distance over the pixels whose whole patch is valid.

    Args:
        first: Images ``(N, 3, H, W)`` in 0..255.
        second: Warped images, same shape.
        mask: Valid pixels ``(N, 1, H, W)``.
        patch_size: Side of the square patch, odd.

    Returns:
        A scalar.
    """
    margin = patch_size // 2
    distance = census_distance(first, second, patch_size)
    # A patch counts if all of it lies in the frame, before and after warping.
    whole = -F.max_pool2d(
        F.pad(-mask, (margin, ) * 4), patch_size, stride=1)
    return masked_mean(distance, whole)
