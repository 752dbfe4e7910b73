# SPDX-License-Identifier: Apache-2.0
"""The coarse-to-fine estimator: its contract, its size and its equations."""
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator

TINY = dict(
    pyramid_channels=(4, 5, 6, 7),
    decoder_channels=((4, ), (5, ), (6, 5), (7, ), (8, 6)))


def build(**kwargs):
    """A tiny estimator whose flows are some pixels instead of nearly zero."""
    estimator = UnsupervisedFlowEstimator(**{**TINY, **kwargs})
    for decoder in estimator.decoders.values():
        nn.init.normal_(decoder.predict.weight, std=0.05)
        nn.init.normal_(decoder.predict.bias, std=0.1)
    return estimator


def levels_of(height, width, levels=range(5)):
    return [(-(-height // 2**level), -(-width // 2**level))
            for level in levels]


def assert_flows(flows, expected, **tolerance):
    assert len(flows) == len(expected)
    for flow, other in zip(flows, expected):
        torch.testing.assert_close(flow, other, **tolerance)


@pytest.mark.parametrize('height, width', [(37, 53), (32, 32), (64, 48)])
def test_shapes_finest_level_first(height, width):
    flows = build()(torch.rand(2, 3, 4, height, width))
    assert isinstance(flows, tuple)
    assert [tuple(flow.shape) for flow in flows
            ] == [(2, 2, 3, *size) for size in levels_of(height, width)]


def test_levels_are_those_asked_for():
    estimator = build()
    clip = torch.rand(1, 3, 3, 32, 40)
    flows = estimator(clip)
    estimator.out_indices = (1, 3)
    assert_flows(estimator(clip), (flows[1], flows[3]))
    estimator.out_indices = (2, )
    flow = estimator(clip)
    assert isinstance(flow, torch.Tensor)
    torch.testing.assert_close(flow, flows[2])


@pytest.mark.parametrize('size, scales, least', [
    ((31, 64), 1, '32x32'), ((64, 16), 1, '32x32'), ((63, 64), 2, '64x64')])
def test_frames_too_small_for_the_pyramid(size, scales, least):
    with pytest.raises(ValueError) as caught:
        build(num_scales=scales)(torch.zeros(1, 3, 3, *size))
    for word in (f'{size[0]}x{size[1]}', least, '5 pyramid levels',
                 f'num_scales={scales}'):
        assert word in str(caught.value)


@pytest.mark.parametrize('settings', [
    dict(decoder_channels=((4, ), ) * 4),
    dict(max_displacement=(2, 4)),
    dict(max_displacement=-1),
    dict(finest_level=5),
    dict(finest_level=-1),
    dict(num_passes=0),
    dict(num_scales=0),
    dict(learned_upsampling=True),
    dict(out_indices=(0, 5)),
    dict(out_indices=()),
    dict(feature_norm='layer'),
])
def test_settings_it_refuses(settings):
    (name, value), = settings.items()
    with pytest.raises(ValueError, match=name) as caught:
        build(**settings)
    assert str(value) in str(caught.value)


def test_backward_is_forward_on_the_reversed_clip():
    estimator = build()
    clip = torch.rand(2, 3, 4, 37, 40)
    forward = estimator(clip)
    backward = estimator(clip, backward=True)
    assert_flows(backward, [f.flip(2) for f in estimator(clip.flip(2))])
    assert (backward[0] - forward[0]).abs().max() > 0.1


@pytest.mark.parametrize('out_indices', [(0, 1, 2, 3, 4), (0, )])
def test_bidirectional_equals_two_calls(out_indices):
    estimator = build(out_indices=out_indices)
    clip = torch.rand(2, 3, 3, 33, 47)
    forward, backward = estimator.bidirectional(clip)
    assert type(forward) is type(backward) is tuple
    assert_flows(forward, estimator.levels(clip))
    assert_flows(backward, estimator.levels(clip, backward=True))


def test_scales_serve_every_way_to_the_flow():
    estimator = build(num_scales=2)
    clip = torch.rand(2, 3, 3, 65, 80)
    expected = estimator.levels(clip)
    forward, backward = estimator.bidirectional(clip)
    assert_flows(forward, expected)
    assert_flows(backward, estimator.levels(clip, backward=True))
    frames = [estimator.encode_frame(frame) for frame in clip.split(1, dim=2)]
    for t in range(2):
        assert_flows(estimator.flow_between(*frames[t:t + 2]),
                     [flow[:, :, t:t + 1] for flow in expected])
    flows, drawn, back = estimator.with_drawn_pairs(
        clip, torch.tensor([[1], [0]]))
    assert_flows(flows, expected)
    for n, t in ((0, 1), (1, 0)):
        assert_flows([flow[n:n + 1] for flow in drawn],
                     [flow[n:n + 1, :, t:t + 1] for flow in expected])
        assert_flows([flow[n:n + 1] for flow in back],
                     [flow[n:n + 1, :, t:t + 1] for flow in backward])


def test_two_scales_find_what_moves_far():
    torch.manual_seed(0)
    shift = 56
    texture = F.interpolate(torch.rand(1, 3, 64, 120), scale_factor=4,
                            mode='bilinear')[0]
    clip = torch.stack((texture[..., shift:416 + shift], texture[..., :416]),
                       dim=1)[None]
    estimator = UnsupervisedFlowEstimator(
        pretrained='uftsn_plus', num_scales=2, out_indices=(0, )).eval()
    with torch.no_grad():
        u, v = estimator(clip)[0, :, 0]
    error = torch.hypot(u - shift, v)[32:-32, 32:-32 - shift]
    assert error.median() < 0.5


@pytest.mark.parametrize('out_indices', [(0, ), (0, 1, 3)])
@pytest.mark.parametrize('backward', [False, True])
def test_a_clip_in_parts_has_the_flow_of_the_whole(monkeypatch, backward,
                                                   out_indices):
    estimator = build(out_indices=out_indices).eval()
    clip = torch.rand(3, 3, 6, 32, 48)
    whole = estimator(clip, backward=backward)
    calls = []
    decode = estimator._decode
    monkeypatch.setattr(
        estimator, '_decode',
        lambda *args: calls.append(
            (len(args[1]), args[1].shape[2])) or decode(*args))
    for pairs, expected in ((2, [(1, 3), (1, 3), (1, 2)] * 3),
                            (10, [(2, 6), (1, 6)]), (15, [(3, 6)])):
        monkeypatch.setattr('uftsn_mmaction.models.flow.parts.'
                            '_PIXELS_AT_A_TIME', pairs * 32 * 48)
        calls.clear()
        with torch.no_grad():
            parts = estimator(clip, backward=backward)
        assert calls == expected
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('settings', [
    dict(norm_cfg=dict(type='BN')), dict(level_dropout=0.5)])
def test_a_batch_that_matters_stays_whole(monkeypatch, settings):
    """Statistics and chance do not depend on whether there is a gradient."""
    estimator = build(**settings)
    monkeypatch.setattr('uftsn_mmaction.models.flow.parts.'
                        '_PIXELS_AT_A_TIME', 1)
    clip = torch.rand(2, 3, 4, 32, 32)
    torch.manual_seed(1)
    expected = estimator(clip)
    torch.manual_seed(1)
    with torch.no_grad():
        assert_flows(estimator(clip), expected)
    assert not estimator.pairs_are_independent
    assert estimator.eval().pairs_are_independent


def test_clips_and_pairs_do_not_mix():
    estimator = build()
    clip = torch.rand(3, 3, 4, 32, 36)
    flows = estimator(clip)
    alone = estimator(clip[1:2, :, 2:4])
    assert_flows([flow[1:2, :, 2:3] for flow in flows],
                 alone,
                 rtol=1e-4,
                 atol=1e-4)


def test_one_pyramid_per_frame():
    estimator = build()
    seen = []
    estimator.pyramid.register_forward_hook(
        lambda module, args, out: seen.append(tuple(args[0].shape)))
    clip = torch.rand(2, 3, 5, 32, 36)
    estimator(clip)
    assert seen == [(2 * 5, 3, 32, 36)]
    seen.clear()
    estimator.bidirectional(clip)
    assert seen == [(2 * 5, 3, 32, 36)]


def test_parameters_and_operations_of_the_default_plan():
    """5.7 M parameters (table 3), at most 5 GMAC a pair at 224x224."""
    estimator = UnsupervisedFlowEstimator()
    parameters = sum(p.numel() for p in estimator.parameters())
    assert abs(parameters - 5.7e6) < 0.1e6
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        estimator(torch.rand(1, 3, 2, 224, 224))
    macs = counter.get_total_flops() / 2
    for (height, width), channels, radius in zip(
            levels_of(224, 224), estimator.pyramid.channels,
            estimator.max_displacement):
        macs += channels * (2 * radius + 1)**2 * height * width
    assert 4e9 < macs <= 5e9


@pytest.mark.parametrize('kwargs, decoded', [
    (dict(), (4, 3, 2, 1, 0)),
    (dict(use_cost_volume=False), (4, 3, 2, 1, 0)),
    (dict(multi_scale=False), (0, )),
    (dict(multi_scale=False, use_cost_volume=False), (0, )),
    (dict(finest_level=2), (4, 3, 2)),
    (dict(finest_level=2, multi_scale=False), (2, )),
    (dict(max_displacement=(1, 2, 3, 4, 5)), (4, 3, 2, 1, 0)),
    (dict(max_displacement=3, feature_norm=None), (4, 3, 2, 1, 0)),
    (dict(feature_norm='instance', norm_cfg=dict(type='BN')),
     (4, 3, 2, 1, 0)),
])
def test_ablations(kwargs, decoded):
    estimator = build(**kwargs)
    assert tuple(map(int, estimator.decoders)) == decoded
    channels = (3, *TINY['pyramid_channels'])
    radii = kwargs.get('max_displacement', (2, 4, 4, 4, 4))
    radii = (radii, ) * 5 if isinstance(radii, int) else radii
    for level, decoder in estimator.decoders.items():
        level = int(level)
        width = channels[level] + 2 + (
            channels[level] if kwargs.get('use_cost_volume') is False else
            (2 * radii[level] + 1)**2)
        assert decoder.hidden[0].conv.in_channels == width
    clip = torch.rand(2, 3, 3, 37, 53)
    flows = estimator(clip)
    assert [flow.shape[-2:] for flow in flows] == levels_of(37, 53)
    # Every parameter takes part in the finest flow.
    flows[0].square().sum().backward()
    idle = [
        name for name, parameter in estimator.named_parameters()
        if parameter.grad is None
    ]
    assert idle == []


def test_levels_without_a_decoder_show_the_nearest_flow():
    estimator = build(finest_level=2)
    flows = estimator(torch.rand(1, 3, 2, 64, 64))
    coarse = flows[2][:, :, 0]
    for level in (0, 1):
        factor = 2**(2 - level)
        expected = factor * F.interpolate(
            coarse, scale_factor=factor, mode='bilinear')
        torch.testing.assert_close(flows[level][:, :, 0], expected)


def test_backbone_of_a_stock_recognizer():
    model = MODELS.build(
        dict(
            type='Recognizer3D',
            backbone=dict(
                type='UnsupervisedFlowEstimator', out_indices=(0, ), **TINY),
            cls_head=dict(
                type='I3DHead',
                in_channels=2,
                num_classes=4,
                dropout_ratio=0.,
                average_clips='prob')))
    model.init_weights()
    clips = torch.rand(2, 1, 3, 3, 32, 32)
    samples = [ActionDataSample().set_gt_label(n) for n in range(2)]
    losses = model(clips, samples, mode='loss')
    losses['loss_cls'].backward()
    assert any(p.grad.abs().sum() > 0 for p in model.backbone.parameters()
               if p.grad is not None)
    model.eval()
    predictions = model(clips, samples, mode='predict')
    assert predictions[0].pred_score.shape == (4, )


def test_autocast_keeps_the_flow_in_float32():
    estimator = build()
    clip = torch.rand(1, 3, 3, 64, 80)
    flows = estimator(clip)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        fast = estimator(clip)
    for flow, other in zip(flows, fast):
        assert other.dtype == torch.float32
        assert (flow - other).norm() < 0.05 * flow.norm()


@pytest.mark.skipif(
    not hasattr(torch.compiler, 'is_exporting'),
    reason='torch 2.6 exports no operation that writes into a view')
def test_can_be_exported():
    """The check of the range does not break the graph."""
    estimator = build(
        pyramid_channels=(4, ), decoder_channels=((4, ), (5, )),
        max_displacement=(1, 2), out_indices=(0, 1)).eval()
    clip = torch.rand(1, 3, 3, 32, 40)
    with torch.no_grad():
        program = torch.export.export(estimator, (clip, ))
        assert_flows(program.module()(clip), estimator(clip))


@pytest.mark.parametrize('size', [(64, 64), (96, 80), (128, 128), (37, 53)])
def test_a_trace_is_right_or_refuses_another_size(size):
    """A graph has the sizes of its example in it."""
    estimator = build(out_indices=(0, ))
    with torch.no_grad():
        traced = torch.jit.trace(
            estimator, torch.rand(1, 3, 2, 64, 64), check_trace=False)
        clip = torch.rand(1, 3, 2, *size)
        try:
            flow = traced(clip)
        except RuntimeError:
            assert size != (64, 64)
        else:
            torch.testing.assert_close(flow, estimator(clip))


@settings(max_examples=12)
@given(
    st.integers(1, 2), st.integers(2, 4), st.integers(32, 75),
    st.integers(32, 75),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32,
                     torch.float64]))  # yapf: disable
def test_flow_of_any_clip(batch, frames, height, width, dtype):
    """Each pair by itself, backwards as of the reversed clip."""
    estimator = build()
    if dtype == torch.float64:
        estimator.double()
    clip = torch.rand(batch, 3, frames, height, width).to(dtype)
    with torch.no_grad():
        flows = estimator(clip)
        back = estimator(clip.flip(2), backward=True)
        last = estimator(clip[-1:, :, -2:])
    sizes = levels_of(height, width)
    for flow, other, pair, size in zip(flows, back, last, sizes):
        assert flow.shape == (batch, 2, frames - 1, *size)
        assert flow.dtype == torch.promote_types(dtype, torch.float32)
        assert flow.isfinite().all()
        torch.testing.assert_close(other.flip(2), flow, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            flow[-1:, :, -1:], pair, atol=1e-4, rtol=1e-4)
