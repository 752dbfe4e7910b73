# SPDX-License-Identifier: Apache-2.0
"""Residual flow of one level, G^l of eq. 4."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from .precision import PLAIN, Arithmetic


class FlowDecoder(BaseModule):
    """Stack of 3x3 convolutions that predicts a residual flow (eq. 4).

    Its input has ``in_channels``, its hidden convolutions ``channels``.
    """

    def __init__(self,
                 in_channels: int,
                 channels: Sequence[int],
                 norm_cfg: dict | None = None,
                 act_cfg: dict | None = None) -> None:
        super().__init__()
        self.hidden = hidden_layers(in_channels, channels, norm_cfg, act_cfg)
        self.predict = flow_layer((in_channels, *channels)[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, 2, H, W)`` in pixels."""
        return self.predict(self.hidden(x))


class FlowDecoders(nn.ModuleDict):
    """A decoder of its own for each level, as in the paper.

    Args:
        in_channels: By level, channels of ``cat(q_1, up(U), CostVolume)``.
        channels: By level, hidden channels.
        layer_cfg: ``norm_cfg`` and ``act_cfg`` of the convolutions.
    """

    def __init__(self, in_channels: Mapping[int, int],
                 channels: Mapping[int, Sequence[int]],
                 layer_cfg: Mapping[str, dict | None]) -> None:
        super().__init__({
            str(level): FlowDecoder(width, channels[level], **layer_cfg)
            for level, width in in_channels.items()
        })

    def forward(
        self, level: int, feature: Tensor, flow: Tensor, evidence: Tensor,
        state: None, arithmetic: Arithmetic = PLAIN
    ) -> tuple[Tensor, None]:
        """Predict the residual flow of a level (eq. 4); there is no state."""
        decoder, parts = self[str(level)], (feature, flow, evidence)
        with arithmetic.autocast(flow):
            return decoder(arithmetic.join(parts, decoder.predict)), state


def hidden_layers(in_channels: int, channels: Sequence[int],
                  norm_cfg: dict | None,
                  act_cfg: dict | None,
                  dilations: Sequence[int] | None = None) -> nn.Sequential:
    """Build 3x3 convolutions with activation, leaky ReLU by default.

    They have no dilation by default.
    """
    act_cfg = act_cfg or dict(type='LeakyReLU', negative_slope=0.1)
    widths = pairwise((in_channels, *channels))
    return nn.Sequential(
        *(ConvModule(below, width, 3, padding=dilation, dilation=dilation,
                     norm_cfg=norm_cfg, act_cfg=act_cfg)
          for (below, width), dilation in zip(
              widths, dilations or (1, ) * len(channels))))


def flow_layer(in_channels: int) -> nn.Conv2d:
    """Build the last convolution of a decoder, which starts near zero.

    The residuals of all levels add up, and each is doubled from level to
    level: a start near zero flow keeps the first warps inside the frame.
    """
    layer = nn.Conv2d(in_channels, 2, 3, padding=1)
    nn.init.normal_(layer.weight, std=1e-2)
    nn.init.zeros_(layer.bias)
    return layer
