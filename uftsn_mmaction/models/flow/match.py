# SPDX-License-Identifier: Apache-2.0
"""Warp the second frame's feature and match it with the first (eq. 2, 3)."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .warp import backward_warp
from .warp_correlate import check_radius, warp_correlate

FEATURE_NORMS = ('unit', 'instance', None)


class Matcher(ABC):
    """Replaceable operator without parameters: eq. 2 and 3 together."""

    #: Channels of the evidence.
    out_channels: int

    def prepare(self, feature: Tensor) -> Tensor:
        """Prepare features ``(N, C, H, W)``, once for each frame."""
        return feature

    @abstractmethod
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


class CostVolumeMatcher(Matcher):
    """Cost volume of normalised features (eq. 3)."""

    def __init__(self,
                 max_displacement: int,
                 feature_norm: str | None = 'unit') -> None:
        check_radius(max_displacement)
        _check_norm(feature_norm)
        self.max_displacement = max_displacement
        self.feature_norm = feature_norm
        self.out_channels = (2 * max_displacement + 1)**2

    def prepare(self, feature: Tensor) -> Tensor:
        """Normalise features ``(N, C, H, W)``."""
        return normalize_features(feature, self.feature_norm)

    def match(self, first: Tensor, second: Tensor,
              flow: Tensor | None) -> Tensor:
        """Return the cost volume ``(N, (2r+1)**2, H, W)``."""
        return warp_correlate(first, second, flow, self.max_displacement)


class ConcatenationMatcher(Matcher):
    """The warped feature itself ("w/o cost-volume" of table 2).

    The decoder gets the first feature in any case and has to compare the two.
    """

    def __init__(self, channels: int) -> None:
        self.out_channels = channels

    def match(self, first: Tensor, second: Tensor,
              flow: Tensor | None) -> Tensor:
        """Return the warped feature ``(N, C, H, W)``."""
        return second if flow is None else backward_warp(second, flow)


def build_matchers(levels: Iterable[int], channels: Sequence[int],
                   radii: Sequence[int], feature_norm: str | None,
                   use_cost_volume: bool) -> dict[int, Matcher]:
    """Build the operator of each level.

    Args:
        levels: Levels, which may come again.
        channels: Channels of the features by level.
        radii: Search radius by level.
        feature_norm: See :func:`normalize_features`.
        use_cost_volume: False for :class:`ConcatenationMatcher`.
    """
    return {
        level: CostVolumeMatcher(radii[level], feature_norm)
        if use_cost_volume else ConcatenationMatcher(channels[level])
        for level in levels
    }


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
