# SPDX-License-Identifier: Apache-2.0
"""Base class of the estimators that take single pairs of frames."""
from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from ...clips import frame_pairs
from ..flow.base import FlowEstimator
from ..flow.warp import without_autocast


class PairwiseFlowEstimator(FlowEstimator):
    """Flow of clips from the flow of each pair of their frames.

    A subclass implements :meth:`estimate`. With ``differentiable = False``
    it runs without gradients, and no stage can train it.

    Args:
        out_indices: Levels to return, finest first. The coarser ones are the
            resized flow of level 0.

    Examples:
        >>> class Still(PairwiseFlowEstimator):
        ...     def estimate(self, first, second):
        ...         return torch.zeros_like(first[:, :2])
        >>> Still()(torch.rand(4, 3, 10, 32, 40)).shape
        torch.Size([4, 2, 9, 32, 40])
    """

    @abstractmethod
    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Estimate the flow from the first to the second frame of each pair.

        Args:
            first: Frames ``(P, 3, H, W)``, RGB in [0, 1], float32 at least.
            second: Frames of the same shape.

        Returns:
            Flow ``(P, 2, H, W)`` in pixels, float32 at least.
        """

    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Estimate all pairs of all clips at once."""
        first, second = frame_pairs(x, backward)
        with_grad = torch.is_grad_enabled() and self.differentiable
        # Half precision cannot hold a pixel coordinate.
        with torch.set_grad_enabled(with_grad), without_autocast(x):
            flow = self.estimate(first, second)
            return self._at_out_indices({0: flow}, x.shape)
