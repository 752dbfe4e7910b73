# SPDX-License-Identifier: Apache-2.0
"""The coarse-to-fine flow estimator of sec. 2.1 (eq. 1 to 5)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from ...clips import take_windows
from ...fileio.checkpoint import load_weights
from ...fileio.weights_file import BOXED, boxed_names
from .base import FlowEstimator
from .match import ConcatenationMatcher, CostVolumeMatcher, Matcher
from .parts import Features, features_of_pairs, join_parts, parts_of_clips
from .plans import PLANS
from .pyramid import FeaturePyramid
from .shared_decoder import build_decoders
from .upsampling import ConvexUpsampling
from .warp import resize_flow


@MODELS.register_module()
class UnsupervisedFlowEstimator(FlowEstimator):
    r"""Lightweight flow estimator that learns from video alone (sec. 2.1).

    From coarse to fine, each level warps the feature of the second frame by
    the upsampled flow, compares it with that of the first frame and adds a
    residual flow (eq. 5 is printed with ``up(U^(l-1))``; the coarser level
    is l + 1):

    .. math:: U_{12}^l = up(U_{12}^{l+1}) + G^l(cat(q_1^l, up(U_{12}^{l+1}),
        CostVolume^l))

    Args:
        plan: Name of the sizes in :data:`PLANS`; by default those of
            ``pretrained``, or the paper's.
        pyramid_channels: Replaces what the plan says, see :class:`Plan`. So
            do ``decoder_channels``, ``max_displacement``, ``state_channels``,
            ``finest_level``, ``num_passes`` and ``learned_upsampling``.
        use_cost_volume: False passes on the warped feature in place of the
            cost volume (an ablation of table 2).
        multi_scale: False estimates once, at ``finest_level``, from zero flow
            (an ablation of table 2). That level needs a decoder and a search
            radius to suit, such as level 2 and 8 pixels.
        feature_norm: See :func:`normalize_features`.
        level_dropout: Probability that a pair of frames goes through a level
            of a training step as if the level were not there, so that finer
            levels learn to correct more (as in UFlow; Jonschkowski et al.,
            ECCV 2020). The last level to be decoded always takes part.
        pretrained: Name of weights in the box, such as ``'uftsn_plus'``,
            which are loaded at once and need no network; None for random
            weights.
        out_indices: See :class:`FlowEstimator`.
        norm_cfg: Normalisation layer of all convolutions, None for none.
        act_cfg: Activation of all convolutions.
        init_cfg: Initialization by MMEngine, such as a checkpoint of
            ``flow_videos.py`` with the prefix ``'flow_estimator.'``.

    Raises:
        ValueError: If the plan is unknown, the number of entries does not fit
            the number of levels, or a value is out of range.

    Examples:
        >>> estimator = UnsupervisedFlowEstimator(pretrained='uftsn_plus')
        >>> clips = torch.rand(2, 3, 10, 64, 80)
        >>> [tuple(flow.shape) for flow in estimator(clips)][:2]
        [(2, 2, 9, 64, 80), (2, 2, 9, 32, 40)]
    """

    differentiable = True

    def __init__(
        self,
        plan: str | None = None,
        pyramid_channels: Sequence[int] | None = None,
        decoder_channels: Sequence[Any] | None = None,
        max_displacement: int | Sequence[int] | None = None,
        state_channels: int | None = None,
        finest_level: int | None = None,
        num_passes: int | None = None,
        learned_upsampling: bool | None = None,
        use_cost_volume: bool = True,
        multi_scale: bool = True,
        feature_norm: str | None = 'unit',
        level_dropout: float = 0.,
        pretrained: str | None = None,
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        norm_cfg: dict | None = None,
        act_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if pretrained not in (None, *boxed_names()):
            raise ValueError(
                f'pretrained of {type(self).__name__} must be one of '
                f'{boxed_names()}, got {pretrained!r}')
        if plan is None:
            plan = pretrained or 'uftsn'
        if plan not in PLANS:
            raise ValueError(f'plan of {type(self).__name__} must be one of '
                             f'{tuple(PLANS)}, got {plan!r}')
        sizes = PLANS[plan].replace(
            pyramid_channels=pyramid_channels,
            decoder_channels=decoder_channels,
            max_displacement=max_displacement,
            state_channels=state_channels,
            finest_level=finest_level,
            num_passes=num_passes,
            learned_upsampling=learned_upsampling)
        super().__init__(out_indices, sizes.num_levels)
        self.init_cfg = init_cfg
        if not 0 <= level_dropout <= 1:
            raise ValueError('level_dropout must be a probability from 0 to '
                             f'1, got {level_dropout}')
        self.level_dropout = level_dropout
        self.num_levels = sizes.num_levels
        self.feature_norm = feature_norm
        self.max_displacement = tuple(sizes.max_displacement)
        finest = sizes.finest_level
        coarsest = self.num_levels - 1 if multi_scale else finest
        # Coarse to fine, the order of the method.
        self.decoded_levels = (*range(coarsest, finest, -1),
                               *(finest, ) * sizes.num_passes)
        layer_cfg = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.pyramid = FeaturePyramid(sizes.pyramid_channels[:coarsest],
                                      **layer_cfg)
        channels = self.pyramid.channels
        self.matchers: dict[int, Matcher] = {
            level:
            CostVolumeMatcher(self.max_displacement[level], feature_norm)
            if use_cost_volume else ConcatenationMatcher(channels[level])
            for level in self.decoded_levels
        }
        self.decoders = build_decoders(sizes, channels, self.matchers,
                                       layer_cfg)
        self.upsampling = (
            ConvexUpsampling(sizes.state_channels, 2**finest)
            if sizes.learned_upsampling else None)
        if pretrained is not None:
            load_weights(self, f'{BOXED}{pretrained}', type(self).__name__,
                         'take the sizes of its plan')

    def extra_repr(self) -> str:
        """List the settings that the layers do not show."""
        return (f'max_displacement={self.max_displacement}, '
                f'feature_norm={self.feature_norm!r}')

    def check_clip(self, x: Tensor) -> None:
        """Refuse clips of a wrong shape or range, or of small frames."""
        super().check_clip(x)
        smallest = 2**self.num_levels
        if min(x.shape[-2:]) < smallest:
            raise ValueError(
                f'Frames of {x.shape[-2]}x{x.shape[-1]} are too small for '
                f'{self.num_levels} pyramid levels, which need '
                f'{smallest}x{smallest} or more; resize the frames in the '
                'pipeline or shorten pyramid_channels and decoder_channels')

    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Estimate the flow in one direction."""
        return self._decode_parts(self._encode(x), x, backward)

    def bidirectional(
            self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Estimate forward and backward flow from one set of pyramids."""
        self.check_clip(x)
        features = self._encode(x)
        return (self._decode_parts(features, x, backward=False),
                self._decode_parts(features, x, backward=True))

    @property
    def pairs_are_independent(self) -> bool:
        """Return whether neither batch statistics nor chance take part."""
        return not self.training or not (self.level_dropout or any(
            isinstance(module, _BatchNorm) for module in self.modules()))

    def with_drawn_pairs(self, x: Tensor,
                         starts: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """Estimate all flows from one set of pyramids."""
        self.check_clip(x)
        features = self._encode(x)
        flows = self._decode_parts(features, x, backward=False)
        drawn = tuple(take_windows(flow, starts, 1) for flow in flows)
        back = self._decode_parts(
            features_of_pairs(features, starts), take_windows(x, starts, 2),
            backward=True)
        return flows, drawn, back

    def _decode_parts(self, features: Features, x: Tensor,
                      backward: bool) -> tuple[Tensor, ...]:
        """Decode, in inference on a CPU a few pairs at a time."""
        if self.training or torch.is_grad_enabled():
            return self._decode(features, x, backward)
        rows = [[self._decode(*part, backward) for part in row]
                for row in parts_of_clips(features, x)]
        return join_parts(rows)

    def encode_frame(self, frame: Tensor) -> tuple[Tensor, Features]:
        """Extract the features of a frame once for both of its pairs."""
        return frame, self._encode(frame)

    def flow_between(self, first: tuple[Tensor, Features],
                     second: tuple[Tensor, Features]) -> tuple[Tensor, ...]:
        """Decode the features of two frames."""
        features = {level: tuple(
            torch.cat(pair, dim=1) for pair in zip(maps, second[1][level]))
            for level, maps in first[1].items()}
        clip = torch.cat((first[0], second[0]), dim=2)
        return self._decode(features, clip, backward=False)

    def _encode(self, x: Tensor) -> Features:
        """Extract and prepare the features, once for each frame."""
        batch, _, frames = x.shape[:3]
        # N x 3 x T x H x W -> (N * T) x 3 x H x W
        pyramid = self.pyramid(x.transpose(1, 2).flatten(0, 1))
        features = {}
        for level, matcher in self.matchers.items():
            q = pyramid[level]
            prepared = matcher.prepare(q)
            # (N * T) x C x H x W -> N x T x C x H x W
            shape = (batch, frames, *q.shape[1:])
            features[level] = (q.view(shape), prepared.view(shape))
        return features

    def _decode(self, features: Features, x: Tensor,
                backward: bool) -> tuple[Tensor, ...]:
        """Run the levels from coarse to fine (eq. 2 to 5)."""
        frames = x.shape[2]
        early, late = slice(0, frames - 1), slice(1, frames)
        first, second = (late, early) if backward else (early, late)
        flows: dict[int, Tensor] = {}
        flow = state = None
        last = len(self.decoded_levels) - 1
        for index, level in enumerate(self.decoded_levels):
            q, prepared = features[level]
            # N x (T-1) x C x H x W -> (N * (T-1)) x C x H x W
            q1 = q[:, first].flatten(0, 1)
            prepared1, prepared2 = (prepared[:, time].flatten(0, 1)
                                    for time in (first, second))
            up = None if flow is None else resize_flow(flow, q1.shape[-2:])
            # eq. 2 and 3
            evidence = self.matchers[level].match(prepared1, prepared2, up)
            if up is None:
                # float32 even where autocast gives features of half
                # precision, which cannot hold a pixel coordinate.
                dtype = torch.promote_types(x.dtype, torch.float32)
                up = q1.new_zeros((q1.shape[0], 2, *q1.shape[-2:]),
                                  dtype=dtype)
            # eq. 4
            residual, state = self.decoders(level, q1, up, evidence, state)
            if self.training and self.level_dropout and index < last:
                keep = torch.rand(len(q1), 1, 1, 1) >= self.level_dropout
                keep = keep.to(residual)
                residual = keep * residual
                state = None if state is None else keep * state
            # eq. 5
            flow = up + residual.to(up.dtype)
            flows[level] = flow
        if self.upsampling is not None:
            flows[0] = self.upsampling(flow, state, x.shape[-2:])
        return self._at_out_indices(flows, x.shape)
