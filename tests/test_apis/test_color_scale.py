# SPDX-License-Identifier: Apache-2.0
"""The scale of a video follows its speed."""
import numpy as np
import pytest
from bad_videos import draw_frames

from uftsn_mmaction.apis import FlowInferencer
from uftsn_mmaction.apis.color_scale import live_scale, measure_scale
from uftsn_mmaction.apis.source import Source

FRAMES = np.stack(draw_frames())


@pytest.fixture(scope='module')
def tiny():
    return FlowInferencer('uftsn_plus_tiny', device='cpu')


def test_it_is_the_speed(tiny):
    once = measure_scale(tiny, Source(FRAMES, 'a'))
    assert 5**0.5 < once < 4
    # All pixels move by twice as much.
    assert measure_scale(tiny, Source(FRAMES, 'a'), stride=2) == (
        pytest.approx(2 * once, rel=0.4))
    assert measure_scale(tiny, Source(FRAMES, 'a'), size=128) == (
        pytest.approx(2 * once, rel=0.4))


def test_a_burst_at_the_end_is_seen(tiny):
    still = FRAMES[:1].repeat(10, 0)
    burst = Source(np.concatenate((still, FRAMES)), 'a')
    assert measure_scale(tiny, burst) > 2


def test_nothing_moves(tiny):
    black = np.zeros((5, 64, 64, 3), np.uint8)
    inferencer = FlowInferencer('zero', device='cpu')
    assert measure_scale(inferencer, Source(black, 'a')) == 0.25


def test_a_camera_is_not_read_twice(tiny):
    assert measure_scale(tiny, Source(0, 'camera_0')) is None
    assert live_scale(np.zeros((320, 640, 3))) == 10
