# SPDX-License-Identifier: Apache-2.0
"""Shapes and levels of the feature pyramid."""
import pytest
import torch
from torch import nn

from uftsn_mmaction.models.flow.pyramid import FeaturePyramid


@pytest.mark.parametrize('height, width', [(37, 53), (32, 64), (33, 47)])
def test_each_level_is_half_of_the_one_below_rounded_up(height, width):
    pyramid = FeaturePyramid((4, 6, 8, 10))
    levels = pyramid(torch.rand(2, 3, height, width))
    assert pyramid.channels == (3, 4, 6, 8, 10)
    assert [tuple(level.shape) for level in levels
            ] == [(2, channels, -(-height // 2**n), -(-width // 2**n))
                  for n, channels in enumerate((3, 4, 6, 8, 10))]


def test_level_0_is_the_image():
    frames = torch.rand(2, 3, 16, 20)
    assert FeaturePyramid((4, ))(frames)[0] is frames


def test_no_channels_leave_the_image_alone():
    """As in the ablation without multiple scales."""
    pyramid = FeaturePyramid(())
    assert len(pyramid(torch.rand(1, 3, 8, 8))) == 1
    assert not list(pyramid.parameters())


def test_a_level_builds_on_the_one_below():
    pyramid = FeaturePyramid((4, 6))
    levels = pyramid(torch.rand(1, 3, 16, 16))
    torch.testing.assert_close(levels[2], pyramid.levels[1](levels[1]))


def test_frames_do_not_mix():
    pyramid = FeaturePyramid((4, 6, 8))
    frames = torch.rand(3, 3, 21, 18)
    together = pyramid(frames)
    alone = pyramid(frames[1:2])
    for level, single in zip(together, alone):
        torch.testing.assert_close(level[1:2], single)


def test_norm_and_activation_come_from_the_config():
    plain = FeaturePyramid((4, 6))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in plain.modules())
    slopes = [
        m.negative_slope for m in plain.modules()
        if isinstance(m, nn.LeakyReLU)
    ]
    assert slopes == [0.1] * 4
    normed = FeaturePyramid((4, 6),
                            norm_cfg=dict(type='BN'),
                            act_cfg=dict(type='ReLU'))
    kinds = [type(m) for m in normed.modules()]
    assert kinds.count(nn.BatchNorm2d) == kinds.count(nn.ReLU) == 4
