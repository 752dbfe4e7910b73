# SPDX-License-Identifier: Apache-2.0
"""The coarse-to-fine flow estimator of sec. 2.1 (eq. 1 and 5)."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from .base import FlowEstimator
from .decoder import FlowDecoder
from .match import FEATURE_NORMS, cost_volume, normalize_features
from .plans import PLANS
from .pyramid import FeaturePyramid
from .warp import backward_warp, resize_flow

# Three pairs of 224x224, measured on an x86 core.
_PIXELS_AT_A_TIME = 3 * 224**2


@MODELS.register_module()
class UnsupervisedFlowEstimator(FlowEstimator):
    r"""Lightweight flow estimator that learns from video alone (sec. 2.1).

    From the coarsest level down, each level warps the second frame's feature
    by the upsampled flow of the level above, compares both frames in a cost
    volume and adds a residual flow (eq. 5 is printed with ``up(U^(l-1))``;
    the coarser level is l + 1):

    .. math:: U_{12}^l = up(U_{12}^{l+1}) + G^l(cat(q_1^l, up(U_{12}^{l+1}),
        CostVolume^l))

    A backbone for MMAction2: it takes the clip that
    ``FormatShape(input_format='NCTHW')`` packs.

    Args:
        plan: Name of the sizes in :data:`PLANS`: ``'uftsn'`` has the 5.7 M
            parameters of table 3, ``'uftsn_small'`` 0.43 M. The next three
            arguments replace what the plan says.
        pyramid_channels: Feature channels of level 1, 2, ...
        decoder_channels: Hidden channels of each level's decoder, level 0
            first; one more entry than ``pyramid_channels``.
        max_displacement: Search radius of the cost volume in pixels, one for
            all levels or one per level, level 0 first.
        finest_level: Finest level with a decoder; finer flows are its
            upsampled result.
        use_cost_volume: False concatenates both frames' features in its place
            (an ablation of table 2).
        multi_scale: False estimates once, at ``finest_level``, from zero flow
            (an ablation of table 2; give that level a decoder and a search
            radius that suit it, such as level 2 and 8 pixels).
        feature_norm: What enters the dot product of eq. 3, see
            :func:`normalize_features`.
        out_indices: Levels to return. With one index the flow itself is
            returned instead of a tuple, as MMAction2's backbones do.
        norm_cfg: Normalisation layer of all convolutions, None for none.
        act_cfg: Activation of all convolutions.
    """

    differentiable = True

    def __init__(
        self,
        plan: str = 'uftsn',
        pyramid_channels: Sequence[int] | None = None,
        decoder_channels: Sequence[Sequence[int]] | None = None,
        max_displacement: int | Sequence[int] | None = None,
        finest_level: int = 0,
        use_cost_volume: bool = True,
        multi_scale: bool = True,
        feature_norm: str | None = 'unit',
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        norm_cfg: dict | None = None,
        act_cfg: dict | None = None,
    ) -> None:
        if plan not in PLANS:
            raise ValueError(f'plan of {type(self).__name__} must be one of '
                             f'{tuple(PLANS)}, got {plan!r}')
        sizes = PLANS[plan]
        if pyramid_channels is None:
            pyramid_channels = sizes['pyramid_channels']
        if decoder_channels is None:
            decoder_channels = sizes['decoder_channels']
        if max_displacement is None:
            max_displacement = sizes['max_displacement']
        num_levels = len(pyramid_channels) + 1
        super().__init__(out_indices, num_levels)
        if isinstance(max_displacement, int):
            max_displacement = (max_displacement, ) * num_levels
        for name, value in (('decoder_channels', decoder_channels),
                            ('max_displacement', max_displacement)):
            if len(value) != num_levels:
                raise ValueError(
                    f'{name} must have one entry for each of the '
                    f'{num_levels} levels (level 0 and one per entry of '
                    f'pyramid_channels), got {len(value)}: {value}')
        if not 0 <= finest_level < num_levels:
            raise ValueError('finest_level must be a level between 0 and '
                             f'{num_levels - 1}, got {finest_level}')
        if min(max_displacement) < 0:
            raise ValueError('max_displacement must be 0 or more, got '
                             f'{tuple(max_displacement)}')
        if feature_norm not in FEATURE_NORMS:
            raise ValueError(f'feature_norm must be one of {FEATURE_NORMS}, '
                             f'got {feature_norm!r}')
        self.num_levels = num_levels
        self.use_cost_volume = use_cost_volume
        self.feature_norm = feature_norm
        self.max_displacement = tuple(max_displacement)
        coarsest_level = num_levels - 1 if multi_scale else finest_level
        # Coarse to fine, the order of the method.
        self.decoded_levels = tuple(
            range(coarsest_level, finest_level - 1, -1))
        layer_cfg = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.pyramid = FeaturePyramid(pyramid_channels[:coarsest_level],
                                      **layer_cfg)
        self.decoders = nn.ModuleDict({
            str(level):
            FlowDecoder(
                self._decoder_inputs(level), decoder_channels[level],
                **layer_cfg)
            for level in self.decoded_levels
        })

    def extra_repr(self) -> str:
        """What is not seen in the layers."""
        return (f'max_displacement={self.max_displacement}, '
                f'feature_norm={self.feature_norm!r}')

    def _decoder_inputs(self, level: int) -> int:
        """Channels of ``cat(q_1, up(U), cost volume)`` at a level."""
        channels = self.pyramid.channels[level]
        if self.use_cost_volume:
            return channels + 2 + (2 * self.max_displacement[level] + 1)**2
        return 2 * channels + 2

    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Run the levels from coarse to fine on one set of pyramids."""
        return self._decode_in_parts(self._encode(x), x, backward)

    def bidirectional(
            self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Estimate forward and backward flow from one set of pyramids."""
        self.check_clip(x)
        features = self._encode(x)
        return self._decode(features, x, False), self._decode(
            features, x, True)

    def _decode_in_parts(self, features: dict[int, tuple[Tensor, Tensor]],
                         x: Tensor, backward: bool) -> tuple[Tensor, ...]:
        """Run the levels for as many pairs at a time as the cache likes.

        On a CPU the maps of a whole clip go to the memory and back in every
        layer, which takes a fifth of the time.
        """
        batch, _, frames, height, width = x.shape
        step = max(1, _PIXELS_AT_A_TIME // (batch * height * width))
        if torch.is_grad_enabled() or x.is_cuda or step >= frames - 1:
            return self._decode(features, x, backward)
        parts = []
        for start in range(0, frames - 1, step):
            time = slice(start, start + step + 1)
            part = {
                level: (q[:, time], matched[:, time])
                for level, (q, matched) in features.items()
            }
            parts.append(self._decode(part, x[:, :, time], backward))
        return tuple(torch.cat(level, dim=2) for level in zip(*parts))

    def check_clip(self, x: Tensor) -> None:
        """Refuse clips of a wrong shape or range, or of small frames.

        Raises:
            ValueError: If the clip has a wrong shape or range.
        """
        super().check_clip(x)
        smallest = 2**self.num_levels
        if min(x.shape[-2:]) < smallest:
            raise ValueError(
                f'Frames of {x.shape[-2]}x{x.shape[-1]} are too small for '
                f'{self.num_levels} pyramid levels, which need '
                f'{smallest}x{smallest} or more; resize the frames in the '
                'pipeline or shorten pyramid_channels and decoder_channels')

    def _encode(self, x: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
        """Features of every frame, once per frame: level -> (q, normed q).

        Each item is ``(N, T, C_l, H_l, W_l)``.
        """
        batch, _, frames = x.shape[:3]
        # N x 3 x T x H x W -> (N * T) x 3 x H x W
        pyramid = self.pyramid(x.transpose(1, 2).flatten(0, 1))
        features = {}
        for level in self.decoded_levels:
            q = pyramid[level]
            matched = (
                normalize_features(q, self.feature_norm)
                if self.use_cost_volume else q)
            # (N * T) x C x H x W -> N x T x C x H x W
            shape = (batch, frames, *q.shape[1:])
            features[level] = (q.view(shape), matched.view(shape))
        return features

    def _decode(self, features: dict[int, tuple[Tensor, Tensor]], x: Tensor,
                backward: bool) -> tuple[Tensor, ...]:
        """Run the levels from coarse to fine (eq. 5)."""
        frames = x.shape[2]
        early, late = slice(0, frames - 1), slice(1, frames)
        first, second = (late, early) if backward else (early, late)
        flows = {}
        flow = None
        for level in self.decoded_levels:
            q, matched = features[level]
            # N x (T-1) x C x H x W -> (N * (T-1)) x C x H x W
            q1 = q[:, first].flatten(0, 1)
            matched1 = matched[:, first].flatten(0, 1)
            matched2 = matched[:, second].flatten(0, 1)
            if flow is None:
                # The top level starts from zero flow, for which the warp is
                # the identity.
                # Flow is float32 also where autocast gives features of half
                # precision, which cannot hold a pixel coordinate.
                dtype = torch.promote_types(x.dtype, torch.float32)
                flow = q1.new_zeros(
                    (q1.shape[0], 2, *q1.shape[-2:]), dtype=dtype)
            else:
                flow = resize_flow(flow, q1.shape[-2:])
                matched2 = backward_warp(matched2, flow)
            evidence = (
                cost_volume(matched1, matched2, self.max_displacement[level])
                if self.use_cost_volume else matched2)
            residual = self.decoders[str(level)](
                torch.cat([
                    part.to(flow.dtype) for part in (q1, flow, evidence)
                ], dim=1))
            flow = flow + residual.to(flow.dtype)
            flows[level] = flow
        return self._at_out_indices(flows, x.shape)
