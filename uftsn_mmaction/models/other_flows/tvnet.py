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
from torch import Tensor, nn

from ..flow.warp import resize_flow
from .median import median_filter
from .pairwise import PairwiseFlowEstimator
from .tvl1_iteration import Differences, State, Weights, iterate, linearize

#: Least side of the coarsest frame in pixels, as in OpenCV.
_SMALLEST = 16


@MODELS.register_module()
class TVNetFlowEstimator(PairwiseFlowEstimator):
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
        counts = dict(
            num_scales=num_scales,
            num_warps=num_warps,
            num_iterations=num_iterations)
        for name, value in counts.items():
            if type(value) is not int or value < 1:
                raise ValueError(f'{name} of TVNetFlowEstimator must be a '
                                 f'whole number from 1 up, got {value!r}')
        for name, value in dict(tau=tau, lambda_=lambda_, theta=theta).items():
            if not value > 0:
                raise ValueError(f'{name} of TVNetFlowEstimator must be above '
                                 f'0, got {value!r}')
        if not 0 < scale_step < 1:
            raise ValueError(
                'scale_step of TVNetFlowEstimator must be between 0 and 1, '
                f'got {scale_step!r}; 0.5 halves the frame')
        if (type(median_filtering) is not int or median_filtering < 1
                or median_filtering % 2 == 0):
            raise ValueError(
                'median_filtering of TVNetFlowEstimator must be an odd number '
                f'of pixels, got {median_filtering!r}; use 1 for no filter')
        self.num_scales = num_scales
        self.num_warps = num_warps
        self.num_iterations = num_iterations
        self.scale_step = scale_step
        self.median_filtering = median_filtering
        self.differentiable = bool(learnable)
        self.differences = Differences(self.differentiable)
        # The logarithm keeps the weights positive while they train.
        logs = torch.tensor((tau, lambda_, theta)).log()
        if self.differentiable:
            self.log_weights = nn.Parameter(logs)
        else:
            # Fixed weights do not belong in a checkpoint.
            self.register_buffer('log_weights', logs, persistent=False)

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Refine the flow from scale to scale."""
        pyramid = self._pyramid(
            torch.cat((self._to_grey(first), self._to_grey(second)), 1))
        weights = Weights(*self.log_weights.to(first.dtype).exp())
        flow = torch.zeros_like(pyramid[-1])
        for frames in reversed(pyramid):
            flow = resize_flow(flow, frames.shape[-2:])
            flow = self._one_scale(frames, flow, weights)
        return flow

    @staticmethod
    def _to_grey(frames: Tensor) -> Tensor:
        """Return grey values in 0..255 ``(P, 1, H, W)``, as OpenCV does."""
        red, green, blue = frames.clamp(0, 1).split(1, 1)
        return 255 * (0.299 * red + 0.587 * green + 0.114 * blue)

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

    def _one_scale(self, frames: Tensor, flow: Tensor,
                   weights: Weights) -> Tensor:
        """Refine the flow of a scale, warp by warp."""
        first, second = frames.split(1, 1)
        target = torch.cat((second, self.differences.of_image(second)), 1)
        state = State(flow, torch.zeros_like(flow), torch.zeros_like(flow))
        for _ in range(self.num_warps):
            term = linearize(first, target, state.flow)
            # As in OpenCV, the term is linearised before the filter.
            flow = median_filter(state.flow, self.median_filtering)
            state = state._replace(flow=flow)
            for _ in range(self.num_iterations):
                state = iterate(state, term, weights, self.differences)
        return state.flow

    def extra_repr(self) -> str:
        """List the settings, on which a result depends."""
        values = Weights(*self.log_weights.detach().exp())
        weights = ', '.join(f'{name}={value:.4g}'
                            for name, value in values._asdict().items())
        return (f'num_scales={self.num_scales}, num_warps={self.num_warps}, '
                f'num_iterations={self.num_iterations}, {weights}, '
                f'scale_step={self.scale_step}, '
                f'median_filtering={self.median_filtering}, '
                f'learnable={self.differentiable}')
