# SPDX-License-Identifier: Apache-2.0
"""Warp the second frame's feature and match it with the first (eq. 2, 3)."""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .warp import backward_warp

FEATURE_NORMS = ('unit', 'instance', None)


class Matcher(ABC):
    """Replaceable operator without parameters: eq. 2 and 3 together."""

    #: Channels of the evidence.
    out_channels: int

    def prepare(self, feature: Tensor) -> Tensor:
        """Prepare features ``(N, C, H, W)``, once for each frame."""
        return feature

    def match(self, first: Tensor, second: Tensor,
              flow: Tensor | None) -> Tensor:
        """Warp the second feature (eq. 2) and compare it with the first.

        Args:
            first: Prepared feature of the first frame ``(N, C, H, W)``.
            second: The same of the second frame.
            flow: Upsampled flow ``(N, 2, H, W)``; None for zero flow.

        Returns:
            Evidence of the residual motion ``(N, out_channels, H, W)``.
        """
        if flow is not None:
            second = backward_warp(second, flow)
        return self._compare(first, second)

    @abstractmethod
    def _compare(self, first: Tensor, warped: Tensor) -> Tensor:
        """Compare the features of the same pixels, or of close ones."""


class CostVolumeMatcher(Matcher):
    """Cost volume of normalised features (eq. 3)."""

    def __init__(self,
                 max_displacement: int,
                 feature_norm: str | None = 'unit') -> None:
        _check_radius(max_displacement)
        _check_norm(feature_norm)
        self.max_displacement = max_displacement
        self.feature_norm = feature_norm
        self.out_channels = (2 * max_displacement + 1)**2

    def prepare(self, feature: Tensor) -> Tensor:
        """Normalise features ``(N, C, H, W)``."""
        return normalize_features(feature, self.feature_norm)

    def _compare(self, first: Tensor, warped: Tensor) -> Tensor:
        return cost_volume(first, warped, self.max_displacement)


class ConcatenationMatcher(Matcher):
    """The warped feature itself ("w/o cost-volume" of table 2).

    The decoder gets the first feature in any case and has to compare the two.
    """

    def __init__(self, channels: int) -> None:
        self.out_channels = channels

    def _compare(self, first: Tensor, warped: Tensor) -> Tensor:
        return warped


def normalize_features(feature: Tensor, mode: str | None = 'unit') -> Tensor:
    """Normalise the feature of one frame for the dot product of eq. 3.

    The paper does not say what enters the dot product. Raw features follow
    brightness more than similarity, and take several times longer to leave
    zero flow.

    Args:
        feature: Feature ``(N, C, H, W)``; the result is float32 at least.
        mode: ``'unit'`` removes each channel's spatial mean and gives the
            vector of each pixel the length sqrt(C), so that eq. 3 becomes a
            cosine; ``'instance'`` gives each channel mean 0 and variance 1;
            None leaves the feature as it is.

    Raises:
        ValueError: If the mode is unknown.
    """
    _check_norm(mode)
    feature = feature.to(torch.promote_types(feature.dtype, torch.float32))
    if mode is None:
        return feature
    if mode == 'instance':
        return F.instance_norm(feature)
    centred = feature - feature.mean(dim=(2, 3), keepdim=True)
    # F.normalize takes several times as long on CPUs. Features shorter than
    # about 1e-3, a quarter of a grey level in an image, fade to zero, so that
    # noise in flat regions does not match as if it were texture.
    mean_square = (centred * centred).mean(dim=1, keepdim=True)
    return centred * torch.rsqrt(mean_square + 1e-6)


def _check_norm(mode: str | None) -> None:
    if mode not in FEATURE_NORMS:
        raise ValueError(f'feature_norm must be one of {FEATURE_NORMS}, '
                         f'got {mode!r}')


def _check_radius(radius: int) -> None:
    if radius < 0:
        raise ValueError(f'max_displacement must be 0 or more, got {radius}')


def _windows(padded: Tensor, radius: int) -> list[Tensor]:
    """Return the view of a padded map at each shift, row by row."""
    side = 2 * radius + 1
    height, width = padded.shape[2] - 2 * radius, padded.shape[3] - 2 * radius
    return [
        padded[..., y:y + height, x:x + width] for y in range(side)
        for x in range(side)
    ]


class _CostVolume(torch.autograd.Function):
    """Loop over the shifts, with its derivative written out.

    Autograd would keep a node and a temporary for each of the (2r+1)**2
    shifts, which more than doubles the time of a training step.
    """

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor,
                radius: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.radius = radius
        batch, channels, *size = first.shape
        windows = _windows(F.pad(second, (radius, ) * 4), radius)
        volume = first.new_empty(batch, len(windows), *size)
        # Allocating anew for each shift takes longer than the product.
        product = torch.empty_like(first)
        for shift, window in enumerate(windows):
            torch.mul(first, window, out=product)
            torch.sum(product, dim=1, out=volume[:, shift])
        return volume.div_(channels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        first, second = ctx.saved_tensors
        padded = F.pad(second, (ctx.radius, ) * 4)
        grad_first = torch.zeros_like(first)
        windows = _windows(padded, ctx.radius)
        grad_windows = _windows(torch.zeros_like(padded), ctx.radius)
        grads = (grad / first.shape[1]).split(1, dim=1)
        for here, window, grad_window in zip(grads, windows, grad_windows):
            grad_first.addcmul_(here, window)
            grad_window.addcmul_(here, first)
        unshifted = grad_windows[len(grad_windows) // 2]
        return grad_first, unshifted, None


def cost_volume(first: Tensor, second: Tensor,
                max_displacement: int) -> Tensor:
    r"""Compare each pixel with a square of the other feature map (eq. 3).

    .. math:: CostVolume(x_1, x_2) = \frac{1}{N} q_1(x_1)^T \hat{q}_2(x_2)

    Args:
        first: Feature of the first frame ``(N, C, H, W)``.
        second: Warped feature of the second frame.
        max_displacement: Radius r of the search square, in pixels.

    Returns:
        ``(N, (2r+1)**2, H, W)``; channel ``(dy + r) * (2r+1) + dx + r`` holds
        the product with the pixel at ``(y + dy, x + dx)``, which is 0 outside
        the frame.

    Raises:
        ValueError: If the shapes differ or the radius is negative.

    Examples:
        >>> first = torch.tensor([[[[0., 1., 0.]]]])
        >>> second = torch.tensor([[[[0., 0., 1.]]]])  # one pixel to the right
        >>> cost_volume(first, second, 1)[0, :, 0, 1].argmax()
        tensor(5)
    """
    if first.shape != second.shape or first.dim() != 4:
        raise ValueError(
            'cost_volume expects two features (N, C, H, W) of one shape, got '
            f'{tuple(first.shape)} and {tuple(second.shape)}')
    _check_radius(max_displacement)
    return _CostVolume.apply(first, second, max_displacement)
