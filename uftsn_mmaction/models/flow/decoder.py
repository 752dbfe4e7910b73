# SPDX-License-Identifier: Apache-2.0
"""Residual flow of one level, G^l of eq. 4."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn


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
        act_cfg = act_cfg or dict(type='LeakyReLU', negative_slope=0.1)
        widths = (in_channels, *channels)
        layer_cfg = dict(padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.hidden = nn.Sequential(
            *(ConvModule(below, width, 3, **layer_cfg)
              for below, width in pairwise(widths)))
        self.predict = nn.Conv2d(widths[-1], 2, 3, padding=1)
        # Five residuals add up, and each is doubled from level to level: a
        # start near zero flow keeps the first warps inside the frame.
        nn.init.normal_(self.predict.weight, std=1e-2)
        nn.init.zeros_(self.predict.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, 2, H, W)`` in pixels."""
        # Flow is float32 even if the whole model has another precision.
        return self.predict(self.hidden(x.to(self.predict.weight.dtype)))
