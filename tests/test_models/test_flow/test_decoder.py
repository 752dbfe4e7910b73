# SPDX-License-Identifier: Apache-2.0
"""The residual flow of one level."""
import torch
from torch import nn

from uftsn_mmaction.models.flow.decoder import FlowDecoder


def test_two_channels_of_the_same_size():
    decoder = FlowDecoder(9, (8, 4))
    assert decoder(torch.randn(2, 9, 7, 11)).shape == (2, 2, 7, 11)
    widths = [
        (m.in_channels, m.out_channels) for m in decoder.modules()
        if isinstance(m, nn.Conv2d)
    ]
    assert widths == [(9, 8), (8, 4), (4, 2)]


def test_starts_near_zero_flow():
    """Also after the weights were initialised the way a runner does it."""
    decoder = FlowDecoder(86, (64, 32))
    decoder.init_weights()
    residual = decoder(torch.randn(4, 86, 16, 16))
    assert 0 < residual.abs().mean() < 0.5


def test_a_residual_has_either_sign_and_no_bound():
    decoder = FlowDecoder(4, (8, ))
    x = torch.randn(1, 4, 8, 8)
    nn.init.normal_(decoder.predict.weight, std=10.)
    residual = decoder(x)
    assert residual.min() < -5 and residual.max() > 5


def test_gradients():
    decoder = FlowDecoder(3, (4, ), act_cfg=dict(type='Tanh')).double()
    x = torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(decoder, x)


def test_norm_layers_come_from_the_config():
    decoder = FlowDecoder(3, (4, 5), norm_cfg=dict(type='BN'))
    norms = [m for m in decoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [m.num_features for m in norms] == [4, 5]
