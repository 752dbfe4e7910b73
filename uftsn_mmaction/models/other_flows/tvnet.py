# SPDX-License-Identifier: Apache-2.0
"""TV-Net: TV-L1 unrolled in PyTorch, with parameters that can be learned.

Fan, Huang, Gan, Ermon, Gong and Huang, "End-to-end learning of motion
representation for video understanding", CVPR 2018, reference [23] of the
paper.
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from ..flow.warp import resize_flow
from .pairwise import PairwiseFlowEstimator
from .tvl1_scale import TVL1Scale, check_count, grey_pairs

#: Least side of the coarsest frame in pixels, as in OpenCV.
_SMALLEST = 16


@MODELS.register_module()
class TVNetFlowEstimator(TVL1Scale, PairwiseFlowEstimator):
    """TV-L1 on any device, fixed or as the start of training.

    It solves all pairs of a batch at once, in a fixed number of iterations
    that each equal one of OpenCV's. But pixels that leave the frame have no
    data term, where OpenCV compares them with black, and the default pyramid
    halves the frame, so that larger motions are found in less time.

    With ``learnable=True`` it trains in all stages: 17 numbers that start as
    in TV-L1, namely tau, lambda and theta, which stay positive, and the
    kernels of all differences. The graph keeps 13 maps of the flow's size for
    each iteration and 240 for each median of 5x5. So train with few
    iterations (the authors' demo has 1 scale, 1 warp and 50 iterations) and
    with ``clip_grad``, since gradients grow with the warps.

    Args:
        num_scales: Scales of the pyramid. It stops before a side falls below
            16 pixels.
        num_warps: Warps of the second frame per scale.
        num_iterations: Iterations per warp.
        tau: Time step of the dual variable.
        lambda_: Weight of the data term; a smaller one gives smoother flow.
        theta: Tightness of the link between data term and smoothness.
        scale_step: Size of a scale relative to the finer one, in (0, 1).
        median_filtering: Side of the median filter before each warp's
            iterations, odd; 1 for none. OpenCV's 5 takes half as long again
            and lowers the AEPE by at most 2 %.
        learnable: Whether the parameters train.
        out_indices: See :class:`PairwiseFlowEstimator`.

    Raises:
        ValueError: If a setting is out of range.

    Examples:
        >>> estimator = TVNetFlowEstimator(num_warps=1, num_iterations=5)
        >>> estimator(torch.rand(2, 3, 10, 32, 40)).shape
        torch.Size([2, 2, 9, 32, 40])
    """

    starts_random = False

    def __init__(self,
                 num_scales: int = 5,
                 num_warps: int = 5,
                 num_iterations: int = 30,
                 tau: float = 0.25,
                 lambda_: float = 0.15,
                 theta: float = 0.3,
                 scale_step: float = 0.5,
                 median_filtering: int = 1,
                 learnable: bool = False,
                 out_indices: Sequence[int] = (0, )) -> None:
        super().__init__(out_indices)
        check_count(type(self).__name__, 'num_scales', num_scales)
        if not 0 < scale_step < 1:
            raise ValueError(
                'scale_step of TVNetFlowEstimator must be between 0 and 1, '
                f'got {scale_step!r}; 0.5 halves the frame')
        self.set_scale(num_warps, num_iterations, tau, lambda_, theta,
                       median_filtering, bool(learnable))
        self.num_scales = num_scales
        self.scale_step = scale_step
        self.differentiable = bool(learnable)

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Refine the flow from scale to scale."""
        pyramid = self._pyramid(grey_pairs(first, second))
        weights = self.weights(first.dtype)
        flow = torch.zeros_like(pyramid[-1])
        for frames in reversed(pyramid):
            flow = resize_flow(flow, frames.shape[-2:])
            flow = self.solve_scale(frames, flow, weights)
        return flow

    def _pyramid(self, frames: Tensor) -> list[Tensor]:
        """Return grey pairs ``(P, 2, H, W)`` of all scales, finest first."""
        pyramid = [frames]
        while len(pyramid) < self.num_scales:
            size = [
                round(side * self.scale_step)
                for side in pyramid[-1].shape[-2:]
            ]
            if min(size) < _SMALLEST:
                break
            pyramid.append(F.interpolate(pyramid[-1], size, mode='bilinear'))
        return pyramid

    def extra_repr(self) -> str:
        """List the settings, on which a result depends."""
        return (f'num_scales={self.num_scales}, {super().extra_repr()}, '
                f'scale_step={self.scale_step}, '
                f'learnable={self.differentiable}')
