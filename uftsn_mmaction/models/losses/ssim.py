# SPDX-License-Identifier: Apache-2.0
"""Structural similarity of two images."""
from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

#: Side of the patch whose means are compared.
SSIM_PATCH_SIZE = 3
# (0.01 * 255)**2 and (0.03 * 255)**2.
_C1, _C2 = 6.5025, 58.5225


def ssim_distance(first: Tensor, second: Tensor) -> Tensor:
    r"""Compute (1 - SSIM) / 2 around each pixel.

    .. math:: \frac{1}{2} - \frac{1}{2}
        \frac{(2 \mu_1 \mu_2 + c_1) (2 \sigma_{12} + c_2)}
        {(\mu_1^2 + \mu_2^2 + c_1) (\sigma_1^2 + \sigma_2^2 + c_2)}

    Means, variances and the covariance are those of patches of 3x3 pixels,
    of equal weight. Source: Wang et al., Image Quality Assessment, 2004, eq.
    13, with its constants; patches and form as in Godard et al., Unsupervised
    Monocular Depth Estimation, CVPR 2017.

    Args:
        first: Images ``(N, C, H, W)`` in 0..255.
        second: Images of the same shape.

    Returns:
        Mean over the channels ``(N, 1, H, W)``, clamped to 0..1; 0 for equal
        patches. At the border it counts black pixels outside the image.

    Examples:
        >>> import torch
        >>> image = 255 * torch.rand(1, 3, 8, 8)
        >>> ssim_distance(image, image).max() < 1e-4
        tensor(True)
    """
    mean1, mean2 = _patch_mean(first), _patch_mean(second)
    variance1 = _patch_mean(first**2) - mean1**2
    variance2 = _patch_mean(second**2) - mean2**2
    covariance = _patch_mean(first * second) - mean1 * mean2
    similarity = ((2 * mean1 * mean2 + _C1) * (2 * covariance + _C2) /
                  ((mean1**2 + mean2**2 + _C1) *
                   (variance1 + variance2 + _C2)))
    return ((1 - similarity) / 2).clamp(0, 1).mean(1, keepdim=True)


def _patch_mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, SSIM_PATCH_SIZE, 1, SSIM_PATCH_SIZE // 2)
