# SPDX-License-Identifier: Apache-2.0
"""Losses on drawn pairs: no flow is estimated twice, nothing changes."""
import copy

import pytest
import torch

from uftsn_mmaction.clips import draw_pairs, take_windows

ESTIMATOR = dict(
    type='UnsupervisedFlowEstimator',
    pyramid_channels=(4, 4, 4, 4),
    decoder_channels=((4, ), ) * 5)


def plain_losses(model, inputs, samples):
    """All flows by themselves, with all that autograd keeps."""
    clips = inputs.flatten(0, 1)
    pairs = take_windows(clips, draw_pairs(clips, model.pairs_per_clip), 2)
    flows, flows_back = model.flow_estimator.bidirectional(pairs)
    losses = {
        key: model.loss_weights['flow'] * loss for key, loss in
        model.flow_loss(flows, flows_back, pairs).items()}
    flow = model.flow_estimator.levels(clips)[0]
    feats, kwargs = model._classify(
        flow.detach() if model.detach_flow else flow, inputs.shape[1], 'neck',
        samples, False)
    return {**losses, **model.cls_head.loss(feats, samples, **kwargs)}


@pytest.mark.parametrize('detach', [False, True])
@pytest.mark.parametrize('settings, pair_flows', [
    # 2 clips of 2 flows, and 4 drawn pairs in one more direction or in both.
    (dict(), 4 + 4), (dict(norm_cfg=dict(type='BN')), 4 + 8),
    (dict(level_dropout=0.5), 4 + 8)])
def test_equals_the_plain_way(build_recognizer, make_batch, settings,
                              pair_flows, detach):
    model = build_recognizer(
        flow_estimator={**ESTIMATOR, **settings}, pairs_per_clip=2).double()
    model.set_stage(model.parts, dict(cls=1., flow=0.1), detach)
    plain = copy.deepcopy(model)
    decoded, with_grad = [], []
    model.flow_estimator.decoders['0'].register_forward_pre_hook(
        lambda module, args: decoded.append(len(args[0])) or
        with_grad.append(torch.is_grad_enabled()))
    clips, samples = make_batch()
    batch = clips.double(), samples
    torch.manual_seed(3)
    losses = model.loss(*batch)
    torch.manual_seed(3)
    expected = plain_losses(plain, *batch)
    for each, terms in ((model, losses), (plain, expected)):
        each.parse_losses(terms)[0].backward()
    assert sum(decoded) == (4 + 8 if detach else pair_flows)
    # The classifier's flow needs no gradient of its own.
    assert with_grad == ([True, True, False] if detach else
                         [True] * len(with_grad))
    torch.testing.assert_close(
        {key: losses[key] for key in expected}, expected)
    torch.testing.assert_close(dict(model.state_dict()),
                               dict(plain.state_dict()))
    for (name, weight), other in zip(model.named_parameters(),
                                     plain.parameters()):
        torch.testing.assert_close(
            weight.grad, other.grad, rtol=1e-8, atol=1e-9,
            msg=lambda text, name=name: f'{name}: {text}')


def test_a_frozen_estimator_runs_as_in_inference(build_recognizer,
                                                 make_batch):
    """Frozen by a stage or by hand; a gradient of the clips still passes."""
    model = build_recognizer()
    clips, _ = make_batch()
    assert model.extract_flow(clips)[0].requires_grad
    seen = []
    model.flow_estimator.pyramid.register_forward_hook(
        lambda *args: seen.append(torch.is_grad_enabled()))
    model.flow_estimator.requires_grad_(False)
    model.extract_flow(clips)
    flow = model.extract_flow(clips.requires_grad_())[0]
    assert seen == [False, True]
    flow.sum().backward()
    assert clips.grad.abs().sum() > 0
