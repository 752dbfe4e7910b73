# SPDX-License-Identifier: Apache-2.0
"""From the flow of one pair of frames to the contract of an estimator."""
from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from ...clips import check_rgb_clip
from ..flow.warp import resize_flow


class PairwiseFlowEstimator(BaseModule, metaclass=ABCMeta):
    """Base of the estimators that know single pairs of frames only.

    A subclass says in :meth:`estimate` how to get the flow of pairs; all else
    that ``UFTSNRecognizer`` asks of an estimator is here. A subclass with
    ``differentiable = False`` is run without gradients, and no stage can
    train it.

    Args:
        out_indices: Levels to return, finest first. With one index the flow
            itself is returned instead of a tuple, as the learned estimator
            does.

    Raises:
        ValueError: ``out_indices`` are no levels.
    """

    differentiable = False

    def __init__(self, out_indices: Sequence[int] = (0, )) -> None:
        super().__init__()
        levels = out_indices if isinstance(out_indices, Sequence) else ()
        if (not levels or not all(isinstance(level, int) for level in levels)
                or list(levels) != sorted(set(levels)) or levels[0] < 0):
            raise ValueError(
                f'out_indices of {type(self).__name__} must name one level '
                'or more, each 0 or above, finest first, got '
                f'{out_indices!r}; use (0, ) for the flow at full size')
        self.out_indices = tuple(levels)

    @abstractmethod
    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow from the first frame to the second of independent pairs.

        Args:
            first: Frames ``(P, 3, H, W)``, RGB in [0, 1], float32 at least.
            second: Frames of the same shape.

        Returns:
            Flow ``(P, 2, H, W)`` in pixels, float32 at least.
        """

    def forward(self,
                x: Tensor,
                backward: bool = False) -> tuple[Tensor, ...] | Tensor:
        """Estimate the flow between consecutive frames of clips (eq. 1).

        Args:
            x: Clips ``(N, 3, T, H, W)``, RGB in [0, 1].
            backward: True for the flow from frame t+1 to frame t.

        Returns:
            The item of level l is ``(N, 2, T-1, ceil(H / 2**l), ceil(W /
            2**l))``, float32 at least, on the clip's device, in pixels of
            that level.

        Raises:
            ValueError: The input is no RGB clip of two frames or more, or
                its values are not in [0, 1].
        """
        self._check_clip(x)
        batch, steps = x.shape[0], x.shape[2] - 1
        # N x 3 x T x H x W -> N x T x 3 x H x W
        frames = x.to(torch.promote_types(x.dtype, torch.float32))
        frames = frames.transpose(1, 2)
        # N x (T-1) x 3 x H x W -> (N * (T-1)) x 3 x H x W
        early, late = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        first, second = (late, early) if backward else (early, late)
        with_grad = torch.is_grad_enabled() and self.differentiable
        # Half precision cannot hold a pixel coordinate.
        with torch.set_grad_enabled(with_grad), torch.autocast(
                x.device.type, enabled=False):
            flow = self.estimate(first, second)
            height, width = flow.shape[-2:]
            outs = []
            for level in self.out_indices:
                size = (-(-height // 2**level), -(-width // 2**level))
                out = resize_flow(flow, size)
                # (N * (T-1)) x 2 x h x w -> N x 2 x (T-1) x h x w
                outs.append(out.view(batch, steps, 2, *size).transpose(1, 2))
        return outs[0] if len(outs) == 1 else tuple(outs)

    def bidirectional(
        self, x: Tensor
    ) -> tuple[tuple[Tensor, ...] | Tensor, tuple[Tensor, ...] | Tensor]:
        """Forward and backward flow of the same clips."""
        return self(x), self(x, backward=True)

    def _check_clip(self, x: Tensor) -> None:
        check_rgb_clip(x)
        low, high = x.min().item(), x.max().item()
        # Interpolation may overshoot a little; a NaN fails both comparisons.
        if not (low >= -0.5 and high <= 1.5):
            raise ValueError(
                f'{type(self).__name__} expects a clip in [0, 1], got values '
                f'from {low:.4g} to {high:.4g}; divide 8-bit frames by 255 '
                'and use no other mean or std before the flow estimator')
