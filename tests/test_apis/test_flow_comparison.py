# SPDX-License-Identifier: Apache-2.0
"""Errors that need no true flow, pair by pair."""
import numpy as np
import pytest
import torch
from bad_videos import draw_frames

from uftsn_mmaction.apis import FlowInferencer
from uftsn_mmaction.apis.flow_comparison import (
    FlowComparison,
    common_scale,
    comparison_picture,
)
from uftsn_mmaction.apis.source import Source
from uftsn_mmaction.evaluation import ReconstructionError

FRAMES = np.stack(draw_frames())
SOURCE = Source(FRAMES, 'clip')


@pytest.fixture(scope='module')
def inferencers():
    return {name: FlowInferencer(name, device='cpu')
            for name in ('zero', 'dis_fast')}


def test_errors_are_those_of_the_metric(inferencers):
    comparison = FlowComparison(inferencers)
    pair, = comparison.pairs(SOURCE, 1)
    np.testing.assert_array_equal(pair.first, FRAMES[pair.index])
    np.testing.assert_array_equal(pair.second, FRAMES[pair.index + 1])
    zero, dis = pair.results['zero'], pair.results['dis_fast']
    difference = np.abs(pair.first.astype(float) - pair.second).mean()
    for result in (zero, dis):
        assert result.errors['photometric_zero'] == pytest.approx(
            difference, rel=1e-4)
    assert zero.errors['photometric'] == pytest.approx(difference, rel=1e-4)
    assert zero.errors['forward_backward'] == 0
    assert dis.errors['photometric'] < difference / 2
    # In one direction only.
    dis_there = inferencers['dis_fast'](np.stack([pair.first, pair.second]))
    dis_back = inferencers['dis_fast'](np.stack([pair.second, pair.first]))
    metric = ReconstructionError()
    clip = torch.from_numpy(np.stack([pair.first, pair.second]))
    values = {}
    for flow, back, frames in ((dis_there, dis_back, clip),
                               (dis_back, dis_there, clip.flip(0))):
        metric.results.clear()
        metric.process(
            dict(inputs=[frames.permute(3, 0, 1, 2)[None]]),
            [{key: torch.from_numpy(value).transpose(0, 1)[None]
              for key, value in (('pred_flow', flow),
                                 ('pred_flow_back', back))}])
        values = metric.compute_metrics(metric.results)
    # Both directions of the metric are those two.
    other = FlowComparison(inferencers)
    backwards, = other.pairs(Source(clip.flip(0).numpy(), 'clip'), 1)
    assert values['photometric'] == pytest.approx(
        (dis.errors['photometric']
         + backwards.results['dis_fast'].errors['photometric']) / 2, rel=1e-4)


def test_the_warp_looks_like_the_first_frame(inferencers):
    pair, = FlowComparison(inferencers).pairs(SOURCE, 1)
    inner = np.s_[8:-8, 8:-8]
    warped = pair.results['dis_fast'].warped.astype(int)[inner]
    assert warped.shape == (48, 80, 3)
    assert np.abs(warped - pair.first[inner]).mean() < 3
    assert np.abs(pair.second.astype(int)[inner]
                  - pair.first[inner]).mean() > 6


@pytest.mark.parametrize('number, expected', [
    (None, list(range(11))), (1, [5]), (2, [2, 8]), (50, list(range(11)))])
def test_pairs_are_spread(inferencers, number, expected):
    comparison = FlowComparison(dict(zero=inferencers['zero']))
    pairs = list(comparison.pairs(SOURCE, number))
    assert [pair.index for pair in pairs] == expected
    assert len(comparison.errors['zero']['photometric']) == len(expected)


def test_stride_and_size(inferencers):
    comparison = FlowComparison(inferencers, stride=4, size=32)
    pairs = list(comparison.pairs(SOURCE))
    assert [pair.index for pair in pairs] == [0, 1]
    assert pairs[0].first.shape == (32, 48, 3)


def test_one_scale_for_all(inferencers):
    pairs = list(FlowComparison(inferencers).pairs(SOURCE, 2))
    scale = common_scale(pairs)
    speeds = [np.hypot(*pair.results['dis_fast'].flow) for pair in pairs]
    assert max(np.median(speed) for speed in speeds) < scale
    assert scale <= max(speed.max() for speed in speeds)
    nothing = FlowComparison(dict(zero=inferencers['zero']))
    assert common_scale(nothing.pairs(SOURCE, 1)) == 0.25
    picture = comparison_picture(pairs, scale)
    # Two frames, and a row for each estimator.
    single = comparison_picture(pairs[:1], scale)
    assert picture.shape[0] == pytest.approx(2 * single.shape[0], abs=10)
    assert picture.dtype == np.uint8
