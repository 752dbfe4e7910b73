# SPDX-License-Identifier: Apache-2.0
"""Frozen parts of a stage keep their state, trained parts change."""
import copy

import pytest
import torch

PARTS = ('flow_estimator', 'backbone', 'cls_head')
STAGES = {
    'flow': (('flow_estimator', ), dict(flow=1.0)),
    'classifier': (('backbone', 'cls_head'), dict(cls=1.0)),
    'joint': (PARTS, dict(cls=1.0, flow=0.1)),
}


def normed_estimator():
    """Batch norm in the estimator, too, to see its statistics."""
    return dict(
        type='UnsupervisedFlowEstimator',
        pyramid_channels=(4, 4, 4, 4),
        decoder_channels=((4, ), ) * 5,
        norm_cfg=dict(type='BN'))


def changed_parts(before, after):
    return {
        name.split('.')[0]
        for name in before if not torch.equal(before[name], after[name])
    }


def is_statistic(name):
    return 'running_' in name or 'num_batches' in name


def gradient(module):
    return sum(
        p.grad.abs().sum().item() for p in module.parameters()
        if p.grad is not None)


@pytest.mark.parametrize('name', STAGES)
def test_a_step_changes_the_trained_parts_only(build_recognizer, make_batch,
                                               name):
    train, losses = STAGES[name]
    model = build_recognizer(flow_estimator=normed_estimator())
    # Decay and momentum must not move frozen weights either.
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-2, weight_decay=0.1)
    model.parse_losses(model.loss(*make_batch()))[0].backward()
    optimizer.step()
    optimizer.zero_grad()

    model.set_stage(train, losses)
    model.train()
    for part in PARTS:
        assert all(
            p.requires_grad == (part in train)
            for p in getattr(model, part).parameters())
        assert getattr(model, part).training == (part in train)
    before = copy.deepcopy(model.state_dict())
    terms = model.loss(*make_batch())
    after = model.state_dict()
    changed = {n for n in after if not torch.equal(before[n], after[n])}
    # The forward pass changes nothing but statistics of what trains.
    assert changed and all(is_statistic(n) for n in changed)
    assert {n.split('.')[0] for n in changed} == set(train) - {'cls_head'}
    model.parse_losses(terms)[0].backward()
    optimizer.step()
    assert changed_parts(before, model.state_dict()) == set(train)
    weights = {n: p for n, p in before.items() if not is_statistic(n)}
    assert changed_parts(weights, model.state_dict()) == set(train)


@pytest.mark.parametrize('name', STAGES)
def test_losses_of_a_stage(build_recognizer, make_batch, name):
    model = build_recognizer()
    model.set_stage(*STAGES[name])
    losses = model.loss(*make_batch())
    flow_terms = {'loss_difference', 'loss_census', 'loss_smoothness'}
    assert flow_terms & losses.keys() == (
        flow_terms if name != 'classifier' else set())
    assert ('loss_cls' in losses) == (name != 'flow')
    assert {'flow_norm', 'flow_std'} <= losses.keys()


def test_stages_can_follow_in_any_order(build_recognizer):
    model = build_recognizer()
    for name in ('joint', 'flow', 'classifier', 'flow', 'joint'):
        model.set_stage(*STAGES[name])
        for part in PARTS:
            trains = part in STAGES[name][0]
            assert getattr(model, part).training == trains
            assert all(
                p.requires_grad == trains
                for p in getattr(model, part).parameters())
    model.eval()
    model.set_stage(*STAGES['flow'])
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize('name', ['flow', 'classifier', 'joint'])
def test_predictions_do_not_depend_on_the_stage(build_recognizer, make_batch,
                                                name):
    model = build_recognizer().eval()
    clips, samples = make_batch()
    expected = model.predict(clips, samples)[0].pred_score
    model.set_stage(*STAGES[name])
    result = model.predict(clips, samples)[0].pred_score
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize('losses', [dict(cls=1.0), dict(cls=1.0, flow=0.1)])
@pytest.mark.parametrize('detach', [False, True])
def test_cross_entropy_reaches_the_estimator(build_recognizer, make_batch,
                                             losses, detach):
    model = build_recognizer()
    train = PARTS
    if detach and 'flow' not in losses:
        train = PARTS[1:]
    model.set_stage(train, losses, detach_flow=detach)
    terms = model.loss(*make_batch())
    terms['loss_cls'].backward(retain_graph=True)
    assert gradient(model.backbone) > 0
    assert (gradient(model.flow_estimator) > 0) == (not detach)
    if 'flow' in losses:
        model.zero_grad()
        (terms['loss_census'] + terms['loss_smoothness']).backward()
        assert gradient(model.flow_estimator) > 0
        assert gradient(model.backbone) == 0


def test_detach_flow_ends_with_its_stage(build_recognizer, make_batch):
    model = build_recognizer()
    model.set_stage(PARTS, dict(cls=1.0, flow=0.1), detach_flow=True)
    model.set_stage(*STAGES['joint'])
    model.loss(*make_batch())['loss_cls'].backward()
    assert gradient(model.flow_estimator) > 0


def test_a_frozen_estimator_keeps_no_graph(build_recognizer, make_batch):
    model = build_recognizer()
    clips, _ = make_batch()
    assert model.extract_flow(clips)[0].requires_grad
    model.set_stage(*STAGES['classifier'])
    assert not model.extract_flow(clips)[0].requires_grad


@pytest.mark.parametrize('kind', ['ResNet', 'mmpretrain.ResNet'])
def test_what_the_backbone_froze_stays_frozen(build_recognizer, make_batch,
                                              kind):
    backbone = dict(type=kind, depth=18, in_channels=4, frozen_stages=1)
    if kind == 'ResNet':
        backbone.update(pretrained=None, norm_eval=True)
    model = build_recognizer(
        backbone=backbone,
        cls_head=dict(type='TSNHead', num_classes=5, in_channels=512))
    for name in ('flow', 'classifier', 'joint'):
        model.set_stage(*STAGES[name])
        model.train()
        frozen = [*model.backbone.conv1.parameters(),
                  *model.backbone.layer1.parameters()]
        assert not any(p.requires_grad for p in frozen)
        assert all(p.requires_grad == (name != 'flow')
                   for p in model.backbone.layer4.parameters())
    before = copy.deepcopy(model.backbone.state_dict())
    model.loss(*make_batch())
    after = model.backbone.state_dict()
    assert all(torch.equal(before[k], after[k])
               for k in before if k.startswith(('conv1', 'layer1', 'bn1')))


def test_what_was_frozen_by_hand_stays_frozen(build_recognizer):
    model = build_recognizer()
    model.backbone.conv1.weight.requires_grad_(False)
    for name in ('flow', 'classifier', 'joint'):
        model.set_stage(*STAGES[name])
        assert not model.backbone.conv1.weight.requires_grad
    assert model.backbone.bn1.weight.requires_grad


@pytest.mark.parametrize('train, losses, detach, words', [
    (('estimator', ), dict(flow=1.), False,
     ['train', 'flow_estimator', 'backbone', 'cls_head', "'estimator'"]),
    ((), dict(flow=1.), False, ['train', 'got ()']),
    (PARTS, dict(), False, ['losses', 'flow', 'cls', '{}']),
    (PARTS, dict(flow=0, cls=0), False, ['losses', 'flow', 'cls']),
    (PARTS, dict(cls=1., smooth=1.), False, ['losses', "'smooth'"]),
    (PARTS, dict(flow=1.), False, ['reach', 'backbone']),
    (('backbone', ), dict(flow=1.), False, ['reach', 'backbone']),
    (PARTS, dict(cls=1.), True, ['reach', 'flow_estimator']),
    (('neck', ), dict(cls=1.), False, ["'neck'"]),
])
def test_stages_it_refuses(build_recognizer, train, losses, detach, words):
    model = build_recognizer()
    with pytest.raises(ValueError) as caught:
        model.set_stage(train, losses, detach)
    assert all(word in str(caught.value) for word in words)
    # And leaves the model as it was.
    assert all(p.requires_grad for p in model.parameters())
    assert model.frozen_parts == ()


def test_a_flow_stage_needs_a_flow_loss(build_recognizer):
    model = build_recognizer(photometric_loss=None, smoothness_loss=None)
    with pytest.raises(ValueError, match='flow_losses'):
        model.set_stage(*STAGES['flow'])
    model.set_stage(PARTS, dict(cls=1.))
