# SPDX-License-Identifier: Apache-2.0
"""TV-L1 at one scale: warps, each followed by iterations."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from .median import median_filter
from .tvl1_iteration import Differences, State, Weights, iterate, linearize


class TVL1Scale(nn.Module):
    """Mixin of an estimator that improves a flow by TV-L1 at one scale."""

    def set_scale(self,
                  num_warps: int,
                  num_iterations: int,
                  tau: float,
                  lambda_: float,
                  theta: float,
                  median_filtering: int,
                  learnable: bool = False) -> None:
        """Check and keep the settings, see :class:`TVNetFlowEstimator`.

        Raises:
            ValueError: If a setting is out of range.
        """
        owner = type(self).__name__
        for name, value in dict(num_warps=num_warps,
                                num_iterations=num_iterations).items():
            check_count(owner, name, value)
        for name, value in dict(tau=tau, lambda_=lambda_, theta=theta).items():
            if not value > 0:
                raise ValueError(f'{name} of {owner} must be above 0, got '
                                 f'{value!r}')
        if (type(median_filtering) is not int or median_filtering < 1
                or median_filtering % 2 == 0):
            raise ValueError(
                f'median_filtering of {owner} must be an odd number of '
                f'pixels, got {median_filtering!r}; use 1 for no filter')
        self.num_warps = num_warps
        self.num_iterations = num_iterations
        self.median_filtering = median_filtering
        self.differences = Differences(learnable)
        # The logarithm keeps the weights positive while they train.
        logs = torch.tensor((tau, lambda_, theta)).log()
        if learnable:
            self.log_weights = nn.Parameter(logs)
        else:
            # Fixed weights do not belong in a checkpoint.
            self.register_buffer('log_weights', logs, persistent=False)

    def weights(self, dtype: torch.dtype) -> Weights:
        """Return the weights as they are now."""
        return Weights(*self.log_weights.to(dtype).exp())

    def solve_scale(self, frames: Tensor, flow: Tensor,
                    weights: Weights) -> Tensor:
        """Improve a flow, warp by warp.

        The dual variable starts at zero, as on every scale of TV-L1: of the
        start, the flow alone is known.

        Args:
            frames: Grey pairs ``(P, 2, H, W)`` in 0..255.
            flow: Flow ``(P, 2, H, W)`` to start from, in pixels.
            weights: Weights of TV-L1.
        """
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
        return (f'num_warps={self.num_warps}, '
                f'num_iterations={self.num_iterations}, {weights}, '
                f'median_filtering={self.median_filtering}')


def check_count(owner: str, name: str, value: int) -> None:
    """Refuse what is no whole number from 1 up."""
    if type(value) is not int or value < 1:
        raise ValueError(f'{name} of {owner} must be a whole number from 1 '
                         f'up, got {value!r}')


def grey_pairs(first: Tensor, second: Tensor) -> Tensor:
    """Return grey pairs ``(P, 2, H, W)`` in 0..255 of RGB in [0, 1].

    The weights of the colours are those of OpenCV.
    """
    return torch.cat([_to_grey(frames) for frames in (first, second)], 1)


def _to_grey(frames: Tensor) -> Tensor:
    red, green, blue = frames.clamp(0, 1).split(1, 1)
    return 255 * (0.299 * red + 0.587 * green + 0.114 * blue)
