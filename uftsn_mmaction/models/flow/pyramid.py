# SPDX-License-Identifier: Apache-2.0
"""Feature pyramid of one frame, q^l of sec. 2.1."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn


class FeaturePyramid(BaseModule):
    """Shallow extractor of the features ``q^l`` with ``q^0 = I`` (sec. 2.1).

    Each level halves the size of the finer one with a strided 3x3
    convolution and refines it with another.

    Args:
        channels: Feature channels of level 1, 2, ...; level 0 is the image.
        in_channels: Channels of a frame.
        norm_cfg: Normalisation layer, None for none.
        act_cfg: Activation, leaky ReLU by default.
    """

    def __init__(self,
                 channels: Sequence[int] = (16, 32, 64, 128),
                 in_channels: int = 3,
                 norm_cfg: dict | None = None,
                 act_cfg: dict | None = None) -> None:
        super().__init__()
        act_cfg = act_cfg or dict(type='LeakyReLU', negative_slope=0.1)
        self.channels = (in_channels, *channels)
        layer_cfg = dict(padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.levels = nn.ModuleList(
            nn.Sequential(
                ConvModule(below, width, 3, stride=2, **layer_cfg),
                ConvModule(width, width, 3, **layer_cfg))
            for below, width in pairwise(self.channels))

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Return the features of frames ``(N, 3, H, W)`` at each level l.

        Their shape is ``(N, C_l, ceil(H / 2**l), ceil(W / 2**l))``.
        """
        pyramid = [frames]
        if self.levels:
            # Frames are float32 even if the whole model is not.
            pyramid = [frames.to(self.levels[0][0].conv.weight.dtype)]
        for level in self.levels:
            pyramid.append(level(pyramid[-1]))
        return pyramid
