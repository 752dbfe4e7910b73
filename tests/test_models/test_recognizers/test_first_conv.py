# SPDX-License-Identifier: Apache-2.0
"""The convolution through which a backbone takes a stack of flows."""
import pytest
import torch
import torchvision
from torch import nn

from uftsn_mmaction.models.recognizers.first_conv import (
    average_input_channels,
    find_first_conv,
    replace_first_conv,
)


def test_average_over_the_old_channels():
    kernel = torch.randn(6, 3, 5, 5)
    wide = average_input_channels(kernel, 18)
    assert wide.shape == (6, 18, 5, 5)
    for channel in range(18):
        torch.testing.assert_close(wide[:, channel], kernel.mean(1))
    wide[:, 0] = 0  # memory of its own for each channel
    assert wide[:, 1].any()


def test_finds_it_wherever_it_is():
    direct = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1))
    assert find_first_conv(direct)[2] is direct[0]
    nested = nn.Sequential(
        nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(3, 4, 1))),
        nn.Sequential(nn.Conv2d(4, 4, 1)))
    parent, name, conv = find_first_conv(nested)
    assert conv is nested[0][1][0] is getattr(parent, name)


def test_a_stem_comes_before_a_later_convolution():
    """As in the NFNets of timm, whose last convolution is a direct child."""
    stem = nn.Sequential(nn.Conv2d(3, 4, 1))
    backbone = nn.Sequential(stem, nn.Conv2d(4, 4, 1))
    assert find_first_conv(backbone)[2] is stem[0]


def test_no_convolution():
    with pytest.raises(ValueError, match='Linear.*no 2D convolution'):
        find_first_conv(nn.Linear(3, 3))


def test_replaced_convolution():
    """Equal flow channels pass as a grey image passed before."""
    backbone = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=1, dilation=2, bias=True,
                  padding_mode='reflect'), nn.ReLU())
    grey, flow = torch.randn(2, 1, 16, 17), torch.randn(2, 4, 16, 17)
    before = backbone[0](grey.expand(-1, 3, -1, -1))
    replace_first_conv(backbone, 4)
    new = backbone[0]
    assert new.in_channels == 4 and new(flow).shape == before.shape
    # The mean kernel, four times instead of three.
    bias = new.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(
        (new(grey.expand(-1, 4, -1, -1)) - bias) / 4, (before - bias) / 3,
        rtol=1e-4,
        atol=1e-5)


def test_replaced_convolution_without_bias():
    backbone = nn.Sequential(nn.Conv2d(3, 6, 3, bias=False))
    replace_first_conv(backbone, 8)
    assert backbone[0].bias is None
    assert backbone(torch.randn(1, 8, 4, 4)).shape == (1, 6, 2, 2)


def test_imagenet_weights_reach_the_first_convolution(tmp_path,
                                                      build_recognizer):
    """Upstream leaves the kernel random where its channels differ."""
    rgb = torchvision.models.resnet18()
    file = tmp_path / 'resnet18.pth'
    torch.save(rgb.state_dict(), file)
    model = build_recognizer(
        backbone=dict(
            type='ResNet', depth=18, in_channels=4, pretrained=str(file)),
        clip_len=3)
    model.init_weights()
    found = model.backbone.conv1.conv.weight
    expected = rgb.conv1.weight.mean(1, keepdim=True).expand(-1, 4, -1, -1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(model.backbone.layer1[0].conv1.conv.weight,
                               rgb.layer1[0].conv1.weight)
