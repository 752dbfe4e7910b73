# SPDX-License-Identifier: Apache-2.0
"""TV-L1 iterations that start from the flow of another estimator."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor

from ...clips import frame_pairs
from ..flow.base import FlowEstimator, build_flow_estimator
from ..flow.warp import without_autocast
from .tvl1_scale import TVL1Scale, grey_pairs

#: Name of the wrapped estimator, which checkpoints leave out.
_PART = 'flow_estimator.'


@MODELS.register_module()
class RefinedFlowEstimator(TVL1Scale, FlowEstimator):
    """Refinement without parameters of the flow of any estimator.

    A few iterations of TV-L1 on the frames at full size sharpen what a
    network or a solver of patches found: sub-pixel motion and the edges of
    objects. They find no motion by themselves beyond a pixel or two. Pixels
    whose flow leaves the frame have no data term.

    Gradients reach the weights of the wrapped estimator through all
    iterations, which costs several times its own step, or around them. Its
    names in checkpoints stay as they are, so that one
    checkpoint serves the estimator with and without refinement.

    Args:
        flow_estimator: Config or module of an estimator that takes frames
            and has level 0.
        num_warps: Warps of the second frame.
        num_iterations: Iterations per warp.
        tau: Time step of the dual variable.
        lambda_: Weight of the data term; a smaller one gives smoother flow.
        theta: Tightness of the link between data term and smoothness.
        median_filtering: Side of the median filter before each warp's
            iterations, odd; 1 for none.
        unrolled: Whether gradients pass through the iterations. If not, they
            pass as if the refinement added a constant to each pixel.
        out_indices: Levels to return, finest first and from 0 on; None for
            those of the wrapped estimator. Coarser levels are its own, since
            a loss on them is to reach the decoder of that level; one that it
            does not return is the nearest level, resized.

    Raises:
        TypeError: If ``flow_estimator`` is no :class:`FlowEstimator`.
        ValueError: If it takes no frames or does not return level 0, or a
            setting is out of range.

    Examples:
        >>> estimator = RefinedFlowEstimator(
        ...     dict(type='ZeroFlowEstimator'), num_iterations=5)
        >>> estimator(torch.rand(2, 3, 10, 32, 40)).shape
        torch.Size([2, 2, 9, 32, 40])
    """

    def __init__(self,
                 flow_estimator: Mapping[str, Any] | FlowEstimator,
                 num_warps: int = 2,
                 num_iterations: int = 20,
                 tau: float = 0.25,
                 lambda_: float = 0.15,
                 theta: float = 0.3,
                 median_filtering: int = 1,
                 unrolled: bool = True,
                 out_indices: Sequence[int] | None = None) -> None:
        owner = type(self).__name__
        wrapped = build_flow_estimator(flow_estimator, owner)
        name = type(wrapped).__name__
        if wrapped.clip_shape(2) != (3, 2):
            raise ValueError(
                f'{owner} needs frames, but {name} takes none; refine before '
                'flow is cached: let the estimator of CachedFlow be a '
                f'{owner}')
        if out_indices is None:
            out_indices = wrapped.out_indices
        super().__init__(out_indices)
        for whose, levels in ((f'{name}, which {owner} wraps,',
                               wrapped.out_indices), (owner, out_indices)):
            if levels[0] != 0:
                raise ValueError(
                    f'out_indices of {whose} must begin with 0, the level '
                    f'that is refined, got {levels!r}')
        self.set_scale(num_warps, num_iterations, tau, lambda_, theta,
                       median_filtering)
        self.unrolled = unrolled
        self.flow_estimator = wrapped
        self.differentiable = wrapped.differentiable
        self.starts_random = wrapped.starts_random
        self.register_state_dict_post_hook(_drop_part)

    @property
    def has_random_weights(self) -> bool:
        """Return whether those of the wrapped estimator are random."""
        return self.flow_estimator.has_random_weights

    def check_clip(self, x: Tensor) -> None:
        """Refuse what the wrapped estimator refuses."""
        self.flow_estimator.check_clip(x)

    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Refine level 0 of the wrapped estimator."""
        flows = self.flow_estimator.estimate_levels(x, backward)
        return self._refine(flows, x, backward)

    def bidirectional(
            self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Refine both directions of one call of the wrapped estimator."""
        flows, flows_back = self.flow_estimator.bidirectional(x)
        return (self._refine(flows, x, backward=False),
                self._refine(flows_back, x, backward=True))

    def encode_frame(self, frame: Tensor) -> tuple[Tensor, Any]:
        """Keep the frame beside what the wrapped estimator makes of it."""
        return frame, self.flow_estimator.encode_frame(frame)

    def flow_between(self, first: tuple[Tensor, Any],
                     second: tuple[Tensor, Any]) -> tuple[Tensor, ...]:
        """Refine the flow of the wrapped estimator between two frames."""
        flows = self.flow_estimator.flow_between(first[1], second[1])
        clip = torch.cat((first[0], second[0]), dim=2)
        return self._refine(flows, clip, backward=False)

    def _refine(self, flows: Sequence[Tensor], x: Tensor,
                backward: bool) -> tuple[Tensor, ...]:
        first, second = frame_pairs(x, backward)
        # N x 2 x (T-1) x h x w -> (N * (T-1)) x 2 x h x w
        known = {
            level: flow.transpose(1, 2).flatten(0, 1)
            for level, flow in zip(self.flow_estimator.out_indices, flows)
        }
        with_grad = torch.is_grad_enabled() and self.differentiable
        start = known[0].to(first.dtype)
        # Half precision cannot hold a pixel coordinate.
        with torch.set_grad_enabled(with_grad), without_autocast(x):
            with torch.set_grad_enabled(with_grad and self.unrolled):
                known[0] = self.solve_scale(
                    grey_pairs(first, second), start,
                    self.weights(first.dtype))
            if with_grad and not self.unrolled:
                known[0] = start + (known[0] - start).detach()
            return self._at_out_indices(known, x.shape)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str,
                              *args: Any) -> None:
        """Take names without that of the wrapped estimator."""
        for name in [key for key in state_dict if key.startswith(prefix)]:
            renamed = prefix + _PART + name[len(prefix):]
            state_dict[renamed] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """List the settings, those of the wrapped estimator last."""
        wrapped = self.flow_estimator
        return (f'{super().extra_repr()}, of '
                f'{type(wrapped).__name__}({wrapped.extra_repr()})')


def _drop_part(module: RefinedFlowEstimator, state_dict: dict[str, Tensor],
               prefix: str, _: Any) -> None:
    """Leave the name of the wrapped estimator out of a checkpoint."""
    for name in [key for key in state_dict if key.startswith(prefix + _PART)]:
        renamed = prefix + name[len(prefix + _PART):]
        state_dict[renamed] = state_dict.pop(name)
