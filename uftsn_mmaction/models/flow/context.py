# SPDX-License-Identifier: Apache-2.0
"""Context network: a last look far around each pixel."""
from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor

from .decoder import flow_layer, hidden_layers
from .precision import PLAIN, Arithmetic


class ContextNetwork(BaseModule):
    """Dilated convolutions that correct the finest decoded flow.

    Its residual starts near zero, so that a training can add it to what was
    trained without it and comes by ``load_from`` (Sun et al., "PWC-Net", CVPR
    2018, sec. 3).

    Args:
        in_channels: Channels of the state, or of the feature without one.
        dilations: Dilation of each 3x3 convolution.
        channels: Hidden channels.
        norm_cfg: Normalisation layer, None for none.
        act_cfg: Activation, leaky ReLU by default.
    """

    def __init__(self,
                 in_channels: int,
                 dilations: Sequence[int],
                 channels: int = 32,
                 norm_cfg: dict | None = None,
                 act_cfg: dict | None = None) -> None:
        super().__init__()
        self.hidden = hidden_layers(
            in_channels + 2, (channels, ) * len(dilations), norm_cfg, act_cfg,
            dilations)
        self.predict = flow_layer(channels)

    def forward(self, known: Tensor, flow: Tensor,
                arithmetic: Arithmetic = PLAIN) -> Tensor:
        """Return the flow with its correction.

        Args:
            known: State of the decoder ``(N, in_channels, H, W)``, or the
                feature of the first frame.
            flow: Flow ``(N, 2, H, W)`` in pixels.
            arithmetic: What the convolutions compute in.
        """
        with arithmetic.autocast(flow):
            x = arithmetic.join((known, flow), self.predict)
            residual = self.predict(self.hidden(x))
        return flow + residual.to(flow.dtype)
