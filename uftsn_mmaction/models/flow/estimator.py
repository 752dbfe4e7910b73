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
from ...fileio.weights_file import BOXED
from .base import FlowEstimator
from .coarse_to_fine import decode_levels
from .context import ContextNetwork
from .features import (
    Features,
    encode_clips,
    features_of_both,
    features_of_pairs,
)
from .level_dropout import LevelDropout
from .match import build_matchers
from .parts import join_parts, parts_of_clips
from .plans import choose_plan
from .precision import ArithmeticChoice
from .pyramid import FeaturePyramid
from .shared_decoder import build_decoders
from .upsampling import ConvexUpsampling


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
            ``finest_level``, ``num_passes``, ``learned_upsampling``,
            ``context_dilations`` and ``num_scales``, which is for large
            motion in large frames.
        use_cost_volume: False passes on the warped feature in place of the
            cost volume (an ablation of table 2).
        multi_scale: False estimates at ``finest_level`` alone, from zero flow
            (an ablation of table 2). That level needs a decoder and a search
            radius to suit, such as level 2 and 8 pixels.
        feature_norm: See :func:`normalize_features`.
        level_dropout: Probability of :class:`LevelDropout` at each level of a
            training step but the last one to be decoded.
        pretrained: Name of weights in the box, such as ``'uftsn_plus'``,
            which need no network; None for random weights.
        precision: Type of the decoders and the upsampling where no gradient
            is recorded, 'float32' or 'bfloat16'; None for bfloat16 where the
            device is good at it: a CPU with AVX512-BF16 or AMX, a GPU from
            compute capability 8.0 on. The rest, and the first pass of a
            shared decoder, stay float32 or follow an autocast around them.
        layout: 'contiguous' or 'channels_last' in the same place; None for
            channels_last where bfloat16 gains.
        out_indices: See :class:`FlowEstimator`.
        norm_cfg: Normalisation of the hidden layers, None for none.
        act_cfg: Activation of the same layers.
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
        context_dilations: Sequence[int] | None = None,
        num_scales: int | None = None,
        use_cost_volume: bool = True,
        multi_scale: bool = True,
        feature_norm: str | None = 'unit',
        level_dropout: float = 0.,
        pretrained: str | None = None,
        precision: str | None = None,
        layout: str | None = None,
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        norm_cfg: dict | None = None,
        act_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        owner = type(self).__name__
        sizes = choose_plan(
            owner, plan, pretrained,
            pyramid_channels=pyramid_channels,
            decoder_channels=decoder_channels,
            max_displacement=max_displacement,
            state_channels=state_channels,
            finest_level=finest_level,
            num_passes=num_passes,
            learned_upsampling=learned_upsampling,
            context_dilations=context_dilations,
            num_scales=num_scales)
        super().__init__(out_indices, sizes.num_levels)
        self.init_cfg = init_cfg
        self.level_dropout = LevelDropout(level_dropout)
        self.arithmetic = ArithmeticChoice(precision, layout)
        self.num_levels = sizes.num_levels
        self.num_scales = sizes.num_scales
        # Pixels of a frame from one pixel of the coarsest level to the next.
        self.coarsest_stride = 2**(self.num_levels + self.num_scales - 2)
        self.feature_norm = feature_norm
        self.max_displacement = tuple(sizes.max_displacement)
        self.decoded_levels = sizes.decoded_levels(multi_scale)
        layer_cfg = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.pyramid = FeaturePyramid(
            sizes.pyramid_channels[:self.decoded_levels[0]], **layer_cfg)
        channels = self.pyramid.channels
        self.matchers = build_matchers(
            self.decoded_levels, channels, self.max_displacement,
            feature_norm, use_cost_volume)
        self.decoders = build_decoders(sizes, channels, self.matchers,
                                       layer_cfg)
        self.context = (
            ContextNetwork(
                sizes.state_channels or channels[sizes.finest_level],
                sizes.context_dilations, **layer_cfg)
            if sizes.context_dilations else None)
        self.upsampling = (
            ConvexUpsampling(sizes.state_channels, 2**sizes.finest_level)
            if sizes.learned_upsampling else None)
        if pretrained is not None:
            load_weights(self, f'{BOXED}{pretrained}', owner,
                         'take the sizes of its plan')

    def extra_repr(self) -> str:
        """List the settings that the layers do not show."""
        arithmetic = self.arithmetic.for_weight(next(self.parameters()))
        scales = ('' if self.num_scales == 1 else
                  f'num_scales={self.num_scales}, ')
        return (f'{scales}max_displacement={self.max_displacement}, '
                f'feature_norm={self.feature_norm!r}, {arithmetic}')

    def check_clip(self, x: Tensor) -> None:
        """Refuse clips of a wrong shape or range, or of small frames."""
        super().check_clip(x)
        smallest = 2 * self.coarsest_stride
        if min(x.shape[-2:]) < smallest:
            raise ValueError(
                f'Frames of {x.shape[-2]}x{x.shape[-1]} are too small for '
                f'{self.num_levels} pyramid levels at num_scales='
                f'{self.num_scales}, which need {smallest}x{smallest} or '
                'more; resize the frames in the pipeline, lower num_scales, '
                'or shorten pyramid_channels and decoder_channels')

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
        return not self.training or not (self.level_dropout.probability or any(
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
        features = features_of_both(first[1], second[1])
        clip = torch.cat((first[0], second[0]), dim=2)
        return self._decode(features, clip, backward=False)

    def _encode(self, x: Tensor) -> Features:
        """Extract and prepare the features, once for each frame."""
        arithmetic = self.arithmetic.for_call(next(self.parameters()))
        return encode_clips(self.pyramid, self.matchers, x,
                            arithmetic.memory_format, self.num_scales)

    def _decode(self, features: Features, x: Tensor,
                backward: bool) -> tuple[Tensor, ...]:
        """Run the levels from coarse to fine, and what follows them."""
        arithmetic = self.arithmetic.for_call(next(self.parameters()))
        flows, state = decode_levels(
            features, x.dtype, backward, self.decoded_levels, self.num_scales,
            self.matchers, self.decoders, self.level_dropout, arithmetic)
        finest = self.decoded_levels[-1]
        if self.context is not None:
            flows[finest] = self.context(state, flows[finest], arithmetic)
        if self.upsampling is not None:
            with arithmetic.autocast(x):
                flows[0] = self.upsampling(flows[finest], state, x.shape[-2:])
        return self._at_out_indices(flows, x.shape)
