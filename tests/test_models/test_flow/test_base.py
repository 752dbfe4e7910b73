# SPDX-License-Identifier: Apache-2.0
"""The contract of all estimators."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from uftsn_mmaction.models.flow import FlowEstimator, build_flow_estimator

ESTIMATORS = [
    dict(type='UnsupervisedFlowEstimator', plan='uftsn_small'),
    dict(type='TVL1FlowEstimator', preset='fast'),
    dict(type='DISFlowEstimator', preset='ultrafast'),
    dict(type='TVNetFlowEstimator', num_warps=1, num_iterations=2),
    dict(type='ZeroFlowEstimator'),
]


class Counting(FlowEstimator):
    """Counts the frames before each flow; has a parameter."""

    differentiable = True

    def __init__(self, out_indices=(0, ), num_levels=None):
        super().__init__(out_indices, num_levels)
        self.weight = nn.Parameter(torch.zeros(1))

    def estimate_levels(self, x, backward=False):
        batch, _, frames, height, width = x.shape
        count = torch.arange(frames - 1.).repeat(batch).view(-1, 1, 1, 1)
        flow = count.expand(-1, 2, height, width) + self.weight
        return self._at_out_indices({0: -flow if backward else flow}, x.shape)


@pytest.fixture(params=ESTIMATORS, ids=lambda cfg: cfg['type'])
def estimator(request):
    return build_flow_estimator(copy.deepcopy(request.param), 'The test')


@pytest.mark.parametrize('levels', [(0, ), (0, 2)])
def test_every_estimator_keeps_the_contract(estimator, levels):
    estimator.out_indices = levels
    clip = torch.rand(2, 3, 3, 37, 53)
    flows = estimator.levels(clip)
    assert isinstance(flows, tuple)
    sizes = [(-(-37 // 2**level), -(-53 // 2**level)) for level in levels]
    assert [flow.shape for flow in flows] == [(2, 2, 2, *size)
                                              for size in sizes]
    result = estimator(clip)
    assert isinstance(result, torch.Tensor) == (len(levels) == 1)
    result = result if isinstance(result, tuple) else (result, )
    forward, backward = estimator.bidirectional(clip)
    for expected, found in ((flows, result), (flows, forward),
                            (estimator.levels(clip, backward=True),
                             backward)):
        torch.testing.assert_close(found, expected)
    for t in range(2):
        alone = estimator.levels(clip[:, :, t:t + 2])
        torch.testing.assert_close(
            alone[0], flows[0][:, :, t:t + 1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('refined', [False, True])
def test_frames_of_a_stream_give_the_flow_of_their_clip(estimator, refined):
    if refined:
        estimator = MODELS.build(dict(
            type='RefinedFlowEstimator', flow_estimator=estimator))
    # In float32, TV-L1 enlarges the last bits.
    estimator.double()
    clip = torch.rand(2, 3, 3, 37, 53, dtype=torch.float64)
    expected = estimator.levels(clip)
    frames = [estimator.encode_frame(frame) for frame in clip.split(1, dim=2)]
    for t in range(2):
        found = estimator.flow_between(*frames[t:t + 2])
        torch.testing.assert_close(
            found, tuple(level[:, :, t:t + 1] for level in expected),
            rtol=0, atol=1e-10)


def test_an_estimator_that_trains_says_so(estimator):
    can_train = estimator.can_train
    assert can_train == ('Unsupervised' in type(estimator).__name__)
    estimator.requires_grad_(False)  # as in a stage that freezes it
    assert estimator.can_train == can_train


def test_a_gradient_alone_is_not_enough_to_train():
    estimator = Counting()
    assert estimator.can_train
    del estimator.weight
    assert not estimator.can_train
    assert not MODELS.build(dict(type='TVNetFlowEstimator')).can_train
    assert MODELS.build(dict(type='TVNetFlowEstimator',
                             learnable=True)).can_train


@pytest.mark.parametrize('shape', [(2, 3, 32, 32), (2, 4, 3, 32, 32),
                                   (2, 3, 1, 32, 32), (1, 2, 3, 3, 32, 32)])
def test_a_clip_of_another_shape_is_refused(estimator, shape):
    for call in (estimator, estimator.levels, estimator.bidirectional):
        with pytest.raises(ValueError, match='RGB clips|clip_len'):
            call(torch.rand(shape))


@pytest.mark.parametrize('value', [255., 2.7, -0.5, -1., float('nan'),
                                   float('inf')])
def test_one_value_out_of_range_is_refused_in_every_clip(estimator, value):
    clip = torch.rand(1, 3, 2, 32, 32)
    estimator(clip)
    clip[0, 1, 1, 3, 4] = value
    for call in (estimator, estimator.levels, estimator.bidirectional):
        with pytest.raises(ValueError, match=r'\[0, 1\].*got values from'):
            call(clip)


def test_interpolation_may_overshoot(estimator):
    board = torch.rand(3, 3, 20, 24).round()
    frames = nn.functional.interpolate(board, size=(41, 53), mode='bicubic')
    assert frames.min() < -0.2 and frames.max() > 1.2
    estimator(frames.transpose(0, 1)[None])


def test_other_devices_are_read_once(monkeypatch):
    """Each reading would wait for the device."""
    reads = []
    monkeypatch.setattr(
        'uftsn_mmaction.clips.torch.aminmax',
        lambda x: reads.append(x.device.type) or (x.new_zeros(1, device='cpu'),
                                                  ) * 2)
    estimator = Counting()
    for device in ('meta', 'meta', 'cpu', 'cpu'):
        estimator.check_clip(torch.rand(1, 3, 2, 8, 8, device=device))
    assert reads == ['meta', 'cpu', 'cpu']


@pytest.mark.parametrize('levels', [(), (-1, ), (0.5, ), (1, 0), (0, 0), 0,
                                    (0, 3), (True, )])
def test_levels_it_does_not_have(levels):
    with pytest.raises(ValueError, match='out_indices of Counting'):
        Counting(levels, num_levels=3)


def test_output_levels_are_laid_out_by_clip():
    flows = Counting((0, 1))(torch.rand(2, 3, 4, 7, 9))
    for flow, (height, width) in zip(flows, ((7, 9), (4, 5))):
        assert flow.shape == (2, 2, 3, height, width)
        u, v = flow.unbind(1)
        count = torch.arange(3.).view(3, 1, 1)
        torch.testing.assert_close(u, (count * width / 9).expand_as(u))
        torch.testing.assert_close(v, (count * height / 7).expand_as(v))


def test_hooks_of_the_module_see_every_way_to_call_it():
    estimator, calls = Counting(), []
    estimator.register_forward_hook(lambda *args: calls.append(args))
    clip = torch.rand(1, 3, 2, 8, 8)
    estimator(clip)
    estimator.levels(clip)
    assert len(calls) == 2


def test_an_estimator_that_is_built_already_is_taken_as_it_is():
    estimator = Counting()
    assert build_flow_estimator(estimator, 'The test') is estimator


def test_what_is_no_estimator_is_refused():
    cfg = dict(type='mmpretrain.ResNet', depth=18)
    with pytest.raises(TypeError, match='The stream.*ResNet.*FlowEstimator'):
        build_flow_estimator(cfg, 'The stream')
    with pytest.raises(TypeError, match='abstract'):
        FlowEstimator()
