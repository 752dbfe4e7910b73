# SPDX-License-Identifier: Apache-2.0
"""First convolution of a backbone, which takes a stack of flows."""
import pytest
import torch
import torchvision
from torch import nn

from uftsn_mmaction.models.weight_init.first_conv import (
    adapt_rgb_kernel,
    average_input_channels,
    find_first_conv,
    replace_first_conv,
    set_input_channels,
)


class Parent(nn.Module):
    def __init__(self, depth, in_channels=3):
        super().__init__()


class Child(Parent):
    def __init__(self, stages=4, **kwargs):
        super().__init__(**kwargs)


class Closed(Parent):
    """Takes no channels, although its parent does."""

    def __init__(self, depth):
        super().__init__(depth)


def test_average_over_the_old_channels():
    kernel = torch.randn(6, 3, 5, 5)
    wide = average_input_channels(kernel, 18)
    assert wide.shape == (6, 18, 5, 5)
    for channel in range(18):
        torch.testing.assert_close(wide[:, channel], kernel.mean(1))
    wide[:, 0] = 0  # memory of its own for each channel
    assert wide[:, 1].any()


def test_only_an_rgb_kernel_of_the_same_size_is_adapted():
    kernel = torch.randn(6, 3, 5, 3)
    wide = nn.Conv2d(8, 6, (5, 3))
    torch.testing.assert_close(
        adapt_rgb_kernel(kernel, wide), average_input_channels(kernel, 8))
    assert adapt_rgb_kernel(kernel, nn.Conv2d(3, 6, (5, 3))) is kernel
    for other in (None, kernel[:5], kernel[:, :2], kernel.mT):
        assert adapt_rgb_kernel(other, wide) is None


def test_finds_it_wherever_it_is():
    direct = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1))
    assert find_first_conv(direct) == ('0', direct[0])
    nested = nn.Sequential(
        nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(3, 4, 1))),
        nn.Sequential(nn.Conv2d(4, 4, 1)))
    path, conv = find_first_conv(nested)
    assert conv is nested[0][1][0] is nested.get_submodule(path)


def test_a_stem_comes_before_a_later_convolution():
    """In NFNets of timm, the last convolution is a direct child."""
    stem = nn.Sequential(nn.Conv2d(3, 4, 1))
    backbone = nn.Sequential(stem, nn.Conv2d(4, 4, 1))
    assert find_first_conv(backbone) == ('0.0', stem[0])


def test_no_convolution():
    with pytest.raises(ValueError, match='Linear'):
        find_first_conv(nn.Linear(3, 3))


def test_replaced_convolution():
    """Equal channels give the output of a grey image, times 4/3."""
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
    backbone = nn.Sequential(nn.Sequential(nn.Conv2d(3, 6, 3, bias=False)))
    replace_first_conv(backbone, 8)
    assert backbone[0][0].bias is None
    assert backbone(torch.randn(1, 8, 4, 4)).shape == (1, 6, 2, 2)


@pytest.mark.parametrize('kind, setting', [
    ('ResNet', 'in_channels'),
    # Both pass in_channels on to ResNet by **kwargs.
    ('ResNetTSM', 'in_channels'),
    ('mmpretrain.ResNeXt', 'in_channels'),
    ('mmpretrain.VGG', None),
    ('timm.resnet18', 'in_chans'),
    ('torchvision.resnet18', None),
    (Parent, 'in_channels'),
    (Child, 'in_channels'),
    (Closed, None),
])
def test_input_channels_are_set_where_there_is_a_setting(kind, setting):
    cfg = dict(type=kind, depth=18)
    expected = dict(cfg, **{setting: 6}) if setting else cfg
    assert set_input_channels(cfg, 6) == expected
    assert cfg == dict(type=kind, depth=18)


def test_given_input_channels_stay():
    cfg = dict(type='ResNet', depth=18, in_channels=5)
    assert set_input_channels(cfg, 6) == cfg


@pytest.fixture
def from_stock_loader(tmp_path, build_recognizer):
    """Function: recognizer of four channels that loads a state by itself."""

    def build(state, kind):
        file = tmp_path / 'resnet18.pth'
        torch.save(state, file)
        settings = dict(pretrained=str(file))
        if kind != 'ResNet':
            settings = dict(
                init_cfg=dict(type='Pretrained', checkpoint=str(file)))
        return build_recognizer(
            backbone=dict(type=kind, depth=18, in_channels=4, **settings),
            cls_head=dict(type='TSNHead', num_classes=5, in_channels=512))

    return build


@pytest.mark.parametrize('kind', ['ResNet', 'mmpretrain.ResNet'])
def test_imagenet_weights_reach_the_first_convolution(from_stock_loader,
                                                      kind):
    """Upstream leaves the kernel random where its channels differ."""
    rgb = torchvision.models.resnet18()
    model = from_stock_loader(rgb.state_dict(), kind)
    model.init_weights()
    conv = find_first_conv(model.backbone)[1]
    expected = rgb.conv1.weight.mean(1, keepdim=True).expand(-1, 4, -1, -1)
    torch.testing.assert_close(conv.weight, expected)
    conv1 = model.backbone.layer1[0].conv1
    torch.testing.assert_close(
        getattr(conv1, 'conv', conv1).weight, rgb.layer1[0].conv1.weight)
    # A second call must not undo what was trained since the first.
    nn.init.constant_(conv.weight, 7)
    model.init_weights()
    assert (conv.weight == 7).all()


def test_a_stock_checkpoint_without_rgb_kernel_is_no_error(from_stock_loader):
    flow = torchvision.models.resnet18()
    replace_first_conv(flow, 4)
    nn.init.normal_(flow.conv1.weight)
    model = from_stock_loader(flow.state_dict(), 'ResNet')
    model.init_weights()
    torch.testing.assert_close(model.backbone.conv1.conv.weight,
                               flow.conv1.weight)
