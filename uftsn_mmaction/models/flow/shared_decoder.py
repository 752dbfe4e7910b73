# SPDX-License-Identifier: Apache-2.0
"""One decoder for all levels, which carries a state from coarse to fine."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import build_activation_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from .decoder import FlowDecoders, flow_layer, hidden_layers
from .match import Matcher
from .plans import Plan
from .precision import PLAIN, Arithmetic


class SharedFlowDecoder(BaseModule):
    """Eq. 4 with the same weights at every level and pass.

    A level is the same task at another scale, so that one decoder learns from
    all of them at once. A 1x1 convolution brings the features of each level
    to one width. The state tells a pass what the coarser ones have seen, as
    in recurrent estimators (RAFT; Teed and Deng, ECCV 2020), and a further
    pass costs no parameter.

    Args:
        feature_channels: By level, channels of ``q_1``.
        evidence_channels: Channels of the cost volume, at all levels.
        channels: Hidden channels.
        state_channels: Channels of the state and of the projected features.
        norm_cfg: Normalisation layer, None for none.
        act_cfg: Activation, leaky ReLU by default.
    """

    def __init__(self,
                 feature_channels: Mapping[int, int],
                 evidence_channels: int,
                 channels: Sequence[int],
                 state_channels: int,
                 norm_cfg: dict | None = None,
                 act_cfg: dict | None = None) -> None:
        super().__init__()
        self.state_channels = state_channels
        self.project = nn.ModuleDict({
            str(level): nn.Conv2d(width, state_channels, 1)
            for level, width in feature_channels.items()
        })
        act_cfg = act_cfg or dict(type='LeakyReLU', negative_slope=0.1)
        in_channels = 2 * state_channels + 2 + evidence_channels
        self.evidence_act = build_activation_layer(act_cfg)
        self.hidden = hidden_layers(in_channels, (*channels, state_channels),
                                    norm_cfg, act_cfg)
        self.predict = flow_layer(state_channels)

    def forward(
        self, level: int, feature: Tensor, flow: Tensor, evidence: Tensor,
        state: Tensor | None, arithmetic: Arithmetic = PLAIN
    ) -> tuple[Tensor, Tensor]:
        """Predict the residual flow of a level and the next state.

        Args:
            level: Level l.
            feature: Feature ``q_1`` of the first frame ``(N, C_l, H, W)``.
            flow: Upsampled flow ``(N, 2, H, W)`` in pixels.
            evidence: Cost volume ``(N, evidence_channels, H, W)``.
            state: State of the pass before, of any size; None at first.
            arithmetic: What the convolutions compute in. The first pass is
                float32 in any case: the state carries its errors through all
                others, and its level is small.

        Returns:
            Residual flow ``(N, 2, H, W)`` in pixels, and the state
            ``(N, state_channels, H, W)``.
        """
        if state is None:
            arithmetic = Arithmetic(layout=arithmetic.layout)
        with arithmetic.autocast(flow):
            feature = self.project[str(level)](feature)
            if state is None:
                state = torch.zeros_like(feature)
            elif state.shape[-2:] != feature.shape[-2:]:
                state = F.interpolate(
                    state, feature.shape[-2:], mode='bilinear')
            parts = (feature, flow, self.evidence_act(evidence), state)
            state = self.hidden(arithmetic.join(parts, self.predict))
            return self.predict(state), state


def build_decoders(sizes: Plan, feature_channels: Sequence[int],
                    matchers: Mapping[int, Matcher],
                    layer_cfg: Mapping[str, dict | None]) -> nn.Module:
    """Build G of eq. 4, for each level or one for all.

    Raises:
        ValueError: If levels that share a decoder differ in their evidence.
    """
    features = {level: feature_channels[level] for level in matchers}
    evidence = {level: matcher.out_channels
                for level, matcher in matchers.items()}
    if sizes.state_channels is None:
        return FlowDecoders(
            {level: features[level] + 2 + evidence[level]
             for level in matchers},
            dict(enumerate(sizes.decoder_channels)), layer_cfg)
    if len({*evidence.values()}) > 1:
        raise ValueError(
            'state_channels needs evidence of one width at all levels, got '
            f'{evidence}; use the cost volume, or leave state_channels out')
    return SharedFlowDecoder(features, evidence[sizes.finest_level],
                             sizes.decoder_channels, sizes.state_channels,
                             **layer_cfg)
