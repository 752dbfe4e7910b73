# SPDX-License-Identifier: Apache-2.0
"""The colour code: hue from direction, saturation from speed."""
import numpy as np
import pytest
import torch
from torchvision.utils import flow_to_image

from uftsn_mmaction.visualization import color_wheel_legend, flow_to_color


def paint(u, v, max_norm=1.):
    flow = np.array([[[u]], [[v]]], np.float32)
    return flow_to_color(flow, max_norm)[0, 0].tolist()


def test_wheel_has_the_middlebury_corners():
    corners = {
        (1, 0): (255, 0, 0),  # right is red
        (0, 1): (255, 230, 0),  # down is yellow
        (-1, 0): (0, 209, 255),  # left is light blue
        (0, -1): (88, 0, 255),  # up is violet
    }
    for (u, v), color in corners.items():
        np.testing.assert_allclose(paint(u, v), color, atol=2)


@pytest.mark.parametrize('scale', [5, 1e-3, 300])
def test_equals_torchvision(scale):
    flow = np.random.default_rng(0).normal(
        scale=scale, size=(3, 2, 20, 30)).astype(np.float32)
    # The slowest, so that its own overflow of the fastest pixel is absent.
    expected = flow_to_image(torch.from_numpy(flow / (1 + 1e-5)))
    ours = flow_to_color(flow).transpose(0, 3, 1, 2).astype(int)
    difference = np.abs(ours - expected.numpy())
    assert np.sort(difference.ravel())[-10] <= 1


def test_the_fastest_pixels_do_not_overflow():
    angle = np.linspace(0, 2 * np.pi, 4001, dtype=np.float32)
    for speed in (1, 37.3, 1e-4):
        flow = speed * np.stack([np.cos(angle), np.sin(angle)])[:, None]
        # A saturated colour has a channel that is 0, which must not be 255.
        assert (flow_to_color(flow, speed).min(-1) == 0).all()


def test_zero_flow_is_white():
    assert (flow_to_color(np.zeros((2, 4, 5))) == 255).all()


def test_direction_is_hue():
    right, down, left, up = (
        np.array(paint(u, v)) for u, v in ((1, 0), (0, 1), (-1, 0), (0, -1)))
    assert right.tolist() == [255, 0, 0]
    assert down[0] == 255 and down[1] > 200 and down[2] == 0  # yellow
    assert left[0] == 0 and left[2] == 255 and left[1] > 200  # light blue
    assert up[2] == 255 and up[1] == 0 and 0 < up[0] < 150  # violet


def test_speed_is_saturation():
    np.testing.assert_allclose(paint(0.5, 0), [255, 128, 128], atol=1)
    assert paint(2, 0, max_norm=4) == paint(0.5, 0)


def test_too_fast_is_darker():
    assert paint(3, 0) == [191, 0, 0]


def test_unknown_is_grey_and_does_not_set_the_scale():
    flow = np.zeros((2, 1, 5), np.float32)
    flow[0, 0] = 2, np.nan, 2e9, -np.inf, 1
    picture = flow_to_color(flow)
    assert (picture[0, 1:4] == 128).all()
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[0, 4].tolist() == paint(0.5, 0)


def test_a_batch_shares_its_scale():
    flow = np.zeros((2, 3, 2, 4, 5), np.float32)
    flow[0, 0, 0], flow[1, 2, 0] = 1, 2
    picture = flow_to_color(flow)
    assert picture.shape == (2, 3, 4, 5, 3) and picture.dtype == np.uint8
    assert (picture[0, 0] == paint(0.5, 0)).all()
    assert (picture[1, 2] == [255, 0, 0]).all()


def test_legend_is_a_disk():
    legend = color_wheel_legend(101)
    assert legend.shape == (101, 101, 3)
    assert (legend[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert (legend[50, 50] == 255).all()
    assert legend[50, 100].tolist() == paint(1, 0)
    assert legend[100, 50].tolist() == paint(0, 1)


@pytest.mark.parametrize('kwargs', [
    dict(flow=np.zeros((3, 4, 5))),
    dict(flow=np.zeros((4, 5))),
    dict(flow=np.zeros((4, 5, 2))),
])
def test_bad_shape(kwargs):
    with pytest.raises(ValueError, match='flow_to_color'):
        flow_to_color(**kwargs)


@pytest.mark.parametrize('max_norm', [0, -1., float('nan'), float('inf')])
def test_bad_scale(max_norm):
    with pytest.raises(ValueError, match='max_norm'):
        flow_to_color(np.zeros((2, 4, 5)), max_norm)
