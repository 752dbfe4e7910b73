# SPDX-License-Identifier: Apache-2.0
"""Learned upsampling of the finest decoded flow to the frame's size."""
from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn


class ConvexUpsampling(BaseModule):
    """Weighted means of the 3x3 coarse flows around each fine pixel.

    A bilinear ``up()`` blurs the flow across motion boundaries. Here the
    state of the decoder gives the weights, which are positive and add up to 1
    (Teed and Deng, "RAFT", ECCV 2020, sec. 3.3).

    Args:
        in_channels: Channels of the state.
        factor: Size of the fine flow relative to the coarse one.
        hidden_channels: Channels between the two convolutions.
    """

    def __init__(self,
                 in_channels: int,
                 factor: int,
                 hidden_channels: int = 64) -> None:
        super().__init__()
        self.factor = factor
        self.weights = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, 3, padding=1),
            nn.LeakyReLU(0.1), nn.Conv2d(hidden_channels, 9 * factor**2, 1))

    def forward(self, flow: Tensor, state: Tensor,
                size: tuple[int, int]) -> Tensor:
        """Upsample a flow ``(N, 2, h, w)`` to ``(N, 2, H, W)``, in its pixels.

        Args:
            flow: Coarse flow in coarse pixels.
            state: State of the decoder ``(N, in_channels, h, w)``.
            size: Height and width, at most ``factor`` times the coarse ones.
        """
        number, _, height, width = flow.shape
        factor = self.factor
        # A quarter slows the weights down to the pace of the flow.
        weights = 0.25 * self.weights(state).to(flow.dtype)
        weights = weights.view(number, 1, 9, factor**2, height, width)
        weights = weights.softmax(2)
        # The border repeats, so that a mean there is no shorter flow.
        padded = F.pad(factor * flow, (1, 1, 1, 1), mode='replicate')
        around = F.unfold(padded, 3).view(number, 2, 9, 1, height, width)
        fine = (weights * around).sum(2).flatten(1, 2)
        # Pixel i of level l is centred at pixel i * 2**l of the frame, so the
        # surplus of odd sizes is at the far edges.
        return F.pixel_shuffle(fine, factor)[..., :size[0], :size[1]]
