# SPDX-License-Identifier: Apache-2.0
"""bfloat16 where no gradient is recorded: what it touches, and how far off."""
import copy

import numpy as np
import pytest
import torch
from torch import nn

from uftsn_mmaction.apis.exportable import ExportableFlow
from uftsn_mmaction.datasets import RandomMotionDataset
from uftsn_mmaction.datasets.flow_pairs import ListedPairs
from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator, precision
from uftsn_mmaction.models.flow.precision import (
    PLAIN,
    Arithmetic,
    ArithmeticChoice,
    is_good_at_bfloat16,
)
from uftsn_mmaction.models.other_flows import RefinedFlowEstimator

FAST = dict(precision='bfloat16', layout='channels_last')
OWN = dict(
    pyramid_channels=(4, 5), max_displacement=1, out_indices=(0, ),
    decoder_channels=((4, ), (5, 4), (6, )))
SHARED = dict(
    pyramid_channels=(4, 5), max_displacement=1, out_indices=(0, ),
    decoder_channels=(6, ), state_channels=4, finest_level=1, num_passes=2,
    learned_upsampling=True)
both_plans = pytest.mark.parametrize('plan', ['uftsn_plus', 'uftsn_plus_tiny'])
both_kinds = pytest.mark.parametrize('sizes', [OWN, SHARED],
                                     ids=['own', 'shared'])


def build(**kwargs):
    """A tiny estimator whose flows are some pixels instead of nearly zero."""
    estimator = UnsupervisedFlowEstimator(**kwargs).eval()
    for name, layer in estimator.named_modules():
        if name.endswith('predict'):
            nn.init.normal_(layer.weight, std=0.1)
    return estimator


def outputs_of(estimator, clip):
    """Return the output of each convolution, by name and in order."""
    seen = []
    hooks = [
        layer.register_forward_hook(
            lambda _, args, out, name=name: seen.append((name, out)))
        for name, layer in estimator.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    flow = estimator(clip)
    for hook in hooks:
        hook.remove()
    return flow, seen


def assert_promise(plan, pairs):
    """Mean difference at most 0.02 px, 99.9th percentile at most 0.25 px."""
    estimator = UnsupervisedFlowEstimator(
        pretrained=plan, out_indices=(0, )).eval()
    fast = UnsupervisedFlowEstimator(
        pretrained=plan, out_indices=(0, ), **FAST).eval()
    differences = np.concatenate([
        np.hypot(*(fast.flow_of_pair(*pair) - estimator.flow_of_pair(*pair)))
        .ravel() for pair in pairs])
    assert 0 < differences.mean() <= 0.02
    assert np.quantile(differences, 0.999) <= 0.25


@both_plans
def test_the_promise_on_generated_pairs(plan):
    data = RandomMotionDataset(4, split='val', test_mode=True)
    assert_promise(plan, [data[index]['imgs'] for index in range(4)])


@both_plans
def test_the_promise_on_real_pairs(plan, repo_root):
    path = repo_root / 'data' / 'flow' / 'pairs_with_gt.txt'
    if not path.is_file():
        pytest.skip(f'no real pairs in {path.parent}')
    # A crop: emulated bfloat16 takes seconds for a whole frame.
    assert_promise(plan, [[
        frame[frame.shape[0] // 2 - 48:, frame.shape[1] // 2 - 64:][:96, :128]
        for frame in (pair.first, pair.second)
    ] for pair in ListedPairs(str(path))])


@both_kinds
def test_what_runs_in_bfloat16(sizes):
    """Decoders and upsampling, but neither pyramid nor the first state."""
    estimator = build(**sizes, **FAST)
    with torch.no_grad():
        flow, seen = outputs_of(estimator, torch.rand(2, 3, 3, 32, 40))
    assert flow.dtype == torch.float32
    first = next(number for number, (name, _) in enumerate(seen)
                 if name.endswith('predict'))
    for number, (name, out) in enumerate(seen):
        plain = name.startswith('pyramid') or (sizes is SHARED
                                               and number <= first)
        assert out.dtype == (torch.float32 if plain else torch.bfloat16), name
        if 'hidden' in name:
            assert out.is_contiguous(memory_format=torch.channels_last)
    assert all(weight.dtype == torch.float32
               for weight in estimator.state_dict().values())


@both_kinds
def test_a_gradient_has_float32(sizes):
    estimator, plain = build(**sizes, **FAST), build(**sizes)
    plain.load_state_dict(estimator.state_dict())
    clip = torch.rand(1, 3, 3, 32, 40)
    flow, seen = outputs_of(estimator, clip)
    assert {out.dtype for _, out in seen} == {torch.float32}
    assert torch.equal(flow, plain(clip))
    flow.sum().backward()


@both_kinds
def test_a_layout_alone_changes_no_flow(sizes):
    estimator = build(**sizes)
    clip = torch.rand(2, 3, 3, 33, 40)
    with torch.no_grad():
        expected = estimator(clip)
        estimator.arithmetic = ArithmeticChoice('float32', 'channels_last')
        flow = estimator(clip)
    torch.testing.assert_close(flow, expected, rtol=1e-4, atol=1e-4)


def test_weights_may_change_behind_its_back():
    """As MMEngine's moving average does, through ``.data``."""
    estimator = build(**OWN, **FAST)
    clip = torch.rand(1, 3, 3, 32, 40)
    with torch.no_grad():
        estimator(clip)
        for weight in estimator.parameters():
            weight.data.mul_(0.9)
        changed = estimator(clip)
        other = build(**OWN, **FAST)
        other.load_state_dict(estimator.state_dict())
        assert torch.equal(changed, other(clip))
        assert torch.equal(changed, copy.deepcopy(estimator)(clip))


def test_an_autocast_around_it_still_finds_its_gradient():
    """A cast without gradient must not serve the step that needs one."""
    estimator = build(**OWN, **FAST)
    clip = torch.rand(1, 3, 3, 32, 40)
    with torch.autocast('cpu', torch.bfloat16):
        with torch.no_grad():
            estimator(clip)
        estimator(clip).sum().backward()
    assert all(weight.grad is not None for weight in estimator.parameters())


def test_a_frozen_estimator_takes_it_and_a_trained_one_does_not(
        build_recognizer, make_batch):
    model = build_recognizer().train()
    estimator = model.flow_estimator
    estimator.arithmetic = ArithmeticChoice(**FAST)
    seen = set()
    for decoder in estimator.decoders.values():
        decoder.predict.register_forward_hook(
            lambda _, args, out: seen.add(out.dtype))
    for parts, weights, expected in (
        (('backbone', 'cls_head'), dict(cls=1.), torch.bfloat16),
        (('flow_estimator', ), dict(flow=1.), torch.float32)):
        model.set_stage(parts, weights)
        seen.clear()
        losses = model.loss(*make_batch())
        model.parse_losses(losses)[0].backward()
        assert seen == {expected}


def test_a_stream_and_a_refinement_take_it():
    estimator = build(**SHARED, **FAST)
    clip = torch.rand(1, 3, 2, 32, 40)
    with torch.no_grad():
        flow = estimator(clip)
        between, = estimator.flow_between(*map(
            estimator.encode_frame, clip.split(1, dim=2)))
        torch.testing.assert_close(between, flow, rtol=0, atol=1e-2)
        refined = RefinedFlowEstimator(estimator, num_iterations=1)
        flow, seen = outputs_of(refined, clip)
    assert flow.dtype == torch.float32 and seen[-1][1].dtype == torch.bfloat16


def test_a_compiled_graph_has_it():
    torch.compiler.reset()
    estimator = build(**OWN, **FAST)
    compiled = torch.compile(estimator, fullgraph=True, backend='eager')
    clip = torch.rand(1, 3, 2, 32, 40)
    with torch.inference_mode():
        assert torch.equal(compiled(clip), estimator(clip))


@pytest.mark.skipif(
    not hasattr(torch.compiler, 'is_exporting'),
    reason='an export needs torch 2.7')
def test_an_export_has_float32():
    estimator, plain = build(**OWN, **FAST), build(**OWN)
    plain.load_state_dict(estimator.state_dict())
    clip = torch.rand(1, 3, 2, 32, 40)
    with torch.no_grad():
        program = torch.export.export(estimator, (clip, ))
        torch.testing.assert_close(program.module()(clip), plain(clip),
                                   rtol=1e-4, atol=1e-4)
        # What it is compared with before it is kept.
        flow = ExportableFlow(estimator, 'fast')(*clip.unbind(2))
        assert torch.equal(flow, plain(clip)[:, :, 0])


@pytest.mark.parametrize('device, has, good', [
    ('cpu', 'amx_tile', True), ('cpu', 'avx512_bf16', True),
    ('cpu', None, False), ('cuda', (8, 0), True), ('cuda', (7, 5), False),
    ('meta', None, False)])
def test_who_is_good_at_bfloat16(monkeypatch, device, has, good):
    for name in ('amx_tile', 'avx512_bf16'):
        monkeypatch.setattr(torch.cpu, f'_is_{name}_supported',
                            lambda name=name: name == has)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda _: has)
    assert is_good_at_bfloat16(torch.device(device)) == good


@pytest.mark.parametrize('given, on_good, elsewhere', [
    ((None, None), ('bfloat16', 'channels_last'), PLAIN),
    (('float32', None), PLAIN, PLAIN),
    (('bfloat16', None), ('bfloat16', 'channels_last'),
     ('bfloat16', 'contiguous')),
    ((None, 'contiguous'), ('bfloat16', 'contiguous'), PLAIN),
    (('float32', 'channels_last'), ('float32', 'channels_last'),
     ('float32', 'channels_last'))])
def test_the_device_decides_what_nobody_gave(monkeypatch, given, on_good,
                                             elsewhere):
    for good, expected in ((True, on_good), (False, elsewhere)):
        monkeypatch.setattr(precision, 'is_good_at_bfloat16',
                            lambda _, good=good: good)
        estimator = UnsupervisedFlowEstimator(**OWN, precision=given[0],
                                              layout=given[1])
        # What a cache of flow and a benchmark take for the settings.
        assert str(Arithmetic(*expected)) in estimator.extra_repr()
        with torch.no_grad():
            chosen = estimator.arithmetic.for_call(
                next(estimator.parameters()))
        assert chosen == expected
    assert 'float64' in estimator.double().extra_repr()


def test_the_log_states_it_once(monkeypatch):
    lines = []
    monkeypatch.setattr(precision, 'print_log',
                        lambda line, **_: lines.append(line))
    precision._log.cache_clear()
    with torch.no_grad():
        for _ in range(2):
            build(**OWN)(torch.rand(1, 3, 2, 32, 40))
            assert not lines
        for _ in range(2):
            build(**OWN, **FAST)(torch.rand(1, 3, 2, 32, 40))
    line, = lines
    assert 'cpu' in line and 'bfloat16' in line and 'channels_last' in line


@pytest.mark.parametrize('wrong', [dict(precision='half'),
                                   dict(layout='NHWC')])
def test_what_it_does_not_know(wrong):
    (name, value), = wrong.items()
    with pytest.raises(ValueError, match=f'{name} .*{value}'):
        UnsupervisedFlowEstimator(**OWN, **wrong)
