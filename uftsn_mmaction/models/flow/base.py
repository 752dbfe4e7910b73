# SPDX-License-Identifier: Apache-2.0
"""The contract of every flow estimator (eq. 1)."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ...clips import check_clip, take_windows
from .warp import resize_flow


@MODELS.register_module()
class FlowEstimator(BaseModule, ABC):
    """Base class: flow between the consecutive frames of a clip.

    A subclass implements :meth:`estimate_levels`; one that knows only pairs
    of frames derives from ``PairwiseFlowEstimator`` instead.

    Args:
        out_indices: Levels to return, finest first. Level 0 has the size of
            the frame, level l is ``2**l`` times smaller.
        num_levels: Number of levels that the estimator has; None for any.

    Raises:
        ValueError: If ``out_indices`` are not levels of the estimator.
    """

    #: Whether the flow has a gradient, without which no stage can train it.
    differentiable: bool = False
    #: Whether the weights start random rather than from sensible constants.
    starts_random: bool = True

    def __init__(self,
                 out_indices: Sequence[int] = (0, ),
                 num_levels: int | None = None) -> None:
        super().__init__()
        levels = out_indices if isinstance(out_indices, Sequence) else ()
        last = float('inf') if num_levels is None else num_levels - 1
        if (not levels or not all(
                type(level) is int and 0 <= level <= last for level in levels)
                or list(levels) != sorted(set(levels))):
            known = ('from 0 up' if num_levels is None else
                     f'between 0 and {last}')
            raise ValueError(
                f'out_indices of {type(self).__name__} must name one level '
                f'or more {known}, finest first, got {out_indices!r}; use '
                '(0, ) for the flow at full size')
        self.out_indices = tuple(levels)
        self._range_is_checked = False
        self._is_loaded = False

    @abstractmethod
    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Estimate the flow of checked clips at each of ``out_indices``.

        Args:
            x: Clips ``(N, 3, T, H, W)``, RGB in [0, 1].
            backward: True for the flow from frame t+1 to frame t.

        Returns:
            Finest level first; the item of level l is ``(N, 2, T-1,
            ceil(H / 2**l), ceil(W / 2**l))``, float32 at least, on the
            clip's device, in pixels of that level.
        """

    def forward(self,
                x: Tensor,
                backward: bool = False) -> tuple[Tensor, ...] | Tensor:
        """Estimate the flow between consecutive frames of clips (eq. 1).

        Args:
            x: Clips ``(N, 3, T, H, W)``, RGB in [0, 1].
            backward: True for the flow from frame t+1 to frame t.

        Returns:
            Flows of :meth:`estimate_levels`; as in MMAction2's backbones, a
            single one comes without its tuple.

        Raises:
            ValueError: If the clips have a wrong shape or range.
        """
        self.check_clip(x)
        flows = self.estimate_levels(x, backward)
        return flows[0] if len(flows) == 1 else flows

    def levels(self, x: Tensor, backward: bool = False) -> tuple[Tensor, ...]:
        """Estimate flow as :meth:`forward` does, but always as a tuple."""
        flows = self(x, backward)
        return (flows, ) if isinstance(flows, Tensor) else flows

    def bidirectional(
            self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Estimate forward and backward flow, both as tuples."""
        return self.levels(x), self.levels(x, backward=True)

    def encode_frame(self, frame: Tensor) -> Any:
        """Prepare a frame of a stream for both pairs that it is part of.

        Args:
            frame: Frame of each stream ``(N, 3, 1, H, W)``, RGB in [0, 1].

        Returns:
            What :meth:`flow_between` takes.
        """
        return frame

    def flow_between(self, first: Any, second: Any) -> tuple[Tensor, ...]:
        """Estimate the flow from one encoded frame to another.

        Returns:
            Flows of :meth:`estimate_levels` for clips of these two frames.
        """
        return self.estimate_levels(torch.cat((first, second), dim=2))

    @property
    def pairs_are_independent(self) -> bool:
        """Return whether a pair has the same flow in any clip and batch."""
        return False

    def with_drawn_pairs(self, x: Tensor,
                         starts: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """Estimate the flow of clips, and both flows of drawn pairs.

        For estimators with :attr:`pairs_are_independent`: the forward flow of
        the drawn pairs is part of that of the clips.

        Args:
            x: Clips ``(N, 3, T, H, W)``, RGB in [0, 1].
            starts: First frames of the pairs of each clip ``(N, P)``.

        Returns:
            Forward flows of all pairs ``(N, 2, T-1, H_l, W_l)``, then forward
            and backward flows of the drawn ones ``(N * P, 2, 1, H_l, W_l)``,
            as tuples.
        """
        flows = self.levels(x)
        back = self.levels(take_windows(x, starts, 2), backward=True)
        drawn = tuple(take_windows(flow, starts, 1) for flow in flows)
        return flows, drawn, back

    @property
    def can_train(self) -> bool:
        """Return whether the flow depends on parameters, frozen or not."""
        return self.differentiable and any(True for _ in self.parameters())

    @property
    def has_random_weights(self) -> bool:
        """Return whether the weights are random until someone trains them."""
        return (self.starts_random and not self._is_loaded
                and any(True for _ in self.parameters()))

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor],
                              prefix: str, *args: Any) -> None:
        """Record that all weights are loaded, alone or in a recognizer."""
        self._is_loaded |= all(prefix + name in state_dict
                               for name, _ in self.named_parameters())
        super()._load_from_state_dict(state_dict, prefix, *args)

    @torch.no_grad()
    def flow_of_pair(self,
                     first: np.ndarray,
                     second: np.ndarray,
                     device: str | torch.device = 'cpu') -> np.ndarray:
        """Return the flow ``(2, H, W)`` in pixels of two 8-bit RGB frames.

        Args:
            first: Frame ``(H, W, 3)``.
            second: The frame after it.
            device: Device of the estimator.

        Raises:
            ValueError: If the finest level has another size than the frames.
        """
        # T x H x W x 3 -> 1 x 3 x T x H x W, in [0, 1]
        clip = torch.from_numpy(np.stack([first, second])).to(device)
        clip = clip.permute(3, 0, 1, 2)[None].float() / 255
        flow = self.levels(clip)[0]
        expected = (1, 2, 1, *first.shape[:2])
        if flow.shape != expected:
            raise ValueError(
                f'{type(self).__name__} gives a flow {tuple(flow.shape)} of '
                f'one pair, expected {expected}; let out_indices begin with '
                '0')
        return flow[0, :, 0].float().cpu().numpy()

    @staticmethod
    def clip_shape(clip_len: int) -> tuple[int, int]:
        """Return channels and length of the input for ``clip_len`` frames."""
        return 3, clip_len

    def check_clip(self, x: Tensor) -> None:
        """Refuse clips of a wrong shape or range."""
        # Reading the range makes other devices wait, so there only the first
        # clips are read.
        with_range = x.device.type == 'cpu' or not self._range_is_checked
        check_clip(x, type(self).__name__, with_range)
        self._range_is_checked = True

    def _at_out_indices(self, flows: Mapping[int, Tensor],
                        clip_size: Sequence[int]) -> tuple[Tensor, ...]:
        """Lay out flows by clip; the nearest one serves a missing level.

        Of two that are equally near it is the finer one.

        Args:
            flows: Flow ``(N * (T-1), 2, H_l, W_l)`` by level.
            clip_size: Size of the clips, ``(N, 3, T, H, W)``.
        """
        batch, _, frames, height, width = clip_size
        outs = []
        for level in self.out_indices:
            size = (-(-height // 2**level), -(-width // 2**level))
            nearest = min(flows, key=lambda known: (abs(known - level), known))
            out = resize_flow(flows[nearest], size)
            # (N * (T-1)) x 2 x h x w -> N x 2 x (T-1) x h x w
            out = out.view(batch, frames - 1, 2, *size)
            outs.append(out.transpose(1, 2))
        return tuple(outs)


def build_flow_estimator(cfg: Mapping[str, Any] | FlowEstimator,
                         owner: str) -> FlowEstimator:
    """Build an estimator for an owner, which messages name.

    Raises:
        TypeError: If the type is not a :class:`FlowEstimator`.
    """
    estimator = cfg if isinstance(cfg, FlowEstimator) else MODELS.build(cfg)
    if not isinstance(estimator, FlowEstimator):
        raise TypeError(
            f'{owner} got a flow estimator of type '
            f'{type(estimator).__name__}, expected a FlowEstimator; derive '
            'the class from uftsn_mmaction.models.flow.FlowEstimator, or '
            'from uftsn_mmaction.models.other_flows.PairwiseFlowEstimator if '
            'it takes single pairs of frames')
    return estimator
