# SPDX-License-Identifier: Apache-2.0
"""Motion stream: backbones, stack of flows, losses, predictions."""
import copy

import pytest
import torch

from uftsn_mmaction.models.losses import PhotometricLoss, SmoothnessLoss
from uftsn_mmaction.models.weight_init.first_conv import find_first_conv

RESNETS = {
    'mmaction': dict(
        type='ResNet', depth=18, pretrained=None, in_channels=4,
        norm_eval=False),
    'mmpretrain': dict(type='mmpretrain.ResNet', depth=18, in_channels=4),
    'torchvision': dict(type='torchvision.resnet18'),
    'timm': dict(type='timm.resnet18', pretrained=False, in_chans=4),
}
HEAD = dict(
    type='TSNHead', num_classes=5, in_channels=512, average_clips='prob')


def backbone_inputs(model):
    """List that collects what the backbone is given."""
    seen = []
    model.backbone.register_forward_pre_hook(
        lambda module, args: seen.append(args[0].detach()))
    return seen


def flow_losses(model):
    return [
        module for module in model.modules()
        if isinstance(module, (PhotometricLoss, SmoothnessLoss))
    ]


def scores(predictions):
    return torch.stack([sample.pred_score for sample in predictions])


@pytest.mark.parametrize('library', RESNETS)
def test_backbones_of_four_libraries(build_recognizer, make_batch, library):
    model = build_recognizer(backbone=RESNETS[library], cls_head=HEAD)
    model.init_weights()
    clips, samples = make_batch(num_clips=2)
    losses = model(clips, samples, mode='loss')
    assert {'loss_difference', 'loss_census', 'loss_smoothness', 'loss_cls',
            'flow_norm', 'flow_std'} <= losses.keys()
    total, log = model.parse_losses(losses)
    expected = sum(v.item() for k, v in losses.items() if 'loss' in k)
    assert total.item() == pytest.approx(expected)
    total.backward()
    for part in ('flow_estimator', 'backbone', 'cls_head'):
        assert all(
            p.grad is not None for p in getattr(model, part).parameters())
    model.eval()
    with torch.no_grad():
        predictions = model(clips, samples, mode='predict')
        features = model(clips, mode='tensor')
    assert predictions[0].pred_score.shape == (5, )
    torch.testing.assert_close(
        scores(predictions).sum(1), torch.ones(2))
    assert features.shape[:2] == (4, 512)


@pytest.mark.parametrize('bound', [20., 0.5, None])
@pytest.mark.parametrize('training', [True, False])
def test_stack_of_flows(build_recognizer, make_batch, bound, training):
    """u_1, v_1, u_2, v_2, in units of flow_bound and cut there."""
    model = build_recognizer(flow_bound=bound).train(training)
    clips, samples = make_batch(num_clips=2, height=37, width=33)
    with torch.no_grad():
        flow = model.extract_flow(clips)[0]
    assert flow.shape == (4, 2, 2, 37, 33)
    assert flow.abs().max() > 0.5  # something to cut
    seen = backbone_inputs(model)
    model(clips, samples, mode='loss' if training else 'predict')
    stack, = seen
    assert stack.shape == (4, 4, 37, 33)
    for clip in range(4):
        for pair in (0, 1):
            for direction in (0, 1):
                expected = flow[clip, direction, pair]
                if bound is not None:
                    expected = (expected / bound).clamp(-1, 1)
                torch.testing.assert_close(
                    stack[clip, 2 * pair + direction], expected)


def test_clips_of_a_video_stay_together(build_recognizer, make_batch):
    model = build_recognizer().eval()
    clips, samples = make_batch(batch=3, num_clips=2)
    with torch.no_grad():
        together = scores(model.predict(clips, samples))
        alone = [
            scores(model.predict(clips[n:n + 1], samples[n:n + 1]))
            for n in range(3)
        ]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize('library', ['mmaction', 'mmpretrain', 'timm'])
def test_wrong_in_channels_at_build(build_recognizer, library):
    cfg = copy.deepcopy(RESNETS[library])
    cfg['in_chans' if library == 'timm' else 'in_channels'] = 6
    with pytest.raises(ValueError) as caught:
        build_recognizer(backbone=cfg, cls_head=HEAD)
    words = ('in_channels is 6', 'clip_len=3', '= 4', 'in_chans for timm')
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize('library', RESNETS)
@pytest.mark.parametrize('clip_len', [2, 5])
def test_input_channels_follow_from_clip_len(build_recognizer, library,
                                             clip_len):
    cfg = {k: v for k, v in RESNETS[library].items() if 'in_chan' not in k}
    model = build_recognizer(clip_len=clip_len, backbone=cfg, cls_head=HEAD)
    conv = find_first_conv(model.backbone)[1]
    assert conv.in_channels == 2 * (clip_len - 1)


@pytest.mark.parametrize('kwargs, words', [
    (dict(clip_len=1), 'clip_len.*2 or more.*got 1'),
    (dict(flow_bound=0), 'flow_bound.*above 0.*got 0'),
    (dict(flow_bound=-20.), 'flow_bound.*above 0.*got -20'),
])
def test_settings_it_refuses(build_recognizer, kwargs, words):
    with pytest.raises(ValueError, match=words):
        build_recognizer(**kwargs)


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
def test_wrong_clip_len_at_forward(build_recognizer, make_batch, mode):
    model = build_recognizer()
    clips, samples = make_batch(clip_len=4)
    with pytest.raises(ValueError) as caught:
        model(clips, samples, mode=mode)
    for word in ('clip_len=3', '(2, 1, 3, 4, 32, 32)', 'SampleFrames',
                 'NCTHW'):
        assert word in str(caught.value)
    with pytest.raises(ValueError, match='NCTHW'):
        model(clips[:, 0, :, :3], samples, mode=mode)


@pytest.mark.parametrize('views', [1, 2, 3, 100])
def test_max_testing_views_changes_memory_only(build_recognizer, make_batch,
                                               views):
    model = build_recognizer().eval()
    clips, samples = make_batch(num_clips=3)
    batches = []
    model.flow_estimator.register_forward_pre_hook(
        lambda module, args: batches.append(len(args[0])))
    with torch.no_grad():
        expected = scores(model.predict(clips, samples))
        assert batches == [6]
        batches.clear()
        model.max_testing_views = views
        result = scores(model.predict(clips, samples))
    assert sum(batches) == 6 and max(batches) <= views
    torch.testing.assert_close(result, expected)


def test_test_cfg_reaches_the_model(build_recognizer):
    cfg = dict(max_testing_views=4, return_flow=True)
    model = build_recognizer(test_cfg=cfg)
    assert model.max_testing_views == 4 and model.return_flow
    assert cfg == dict(max_testing_views=4, return_flow=True)
    default = build_recognizer()
    assert default.max_testing_views is None and not default.return_flow


@pytest.mark.parametrize('views', [None, 2])
def test_return_flow(build_recognizer, make_batch, views):
    model = build_recognizer(
        test_cfg=dict(return_flow=True, max_testing_views=views)).eval()
    clips, samples = make_batch(num_clips=3, height=37, width=33)
    with torch.no_grad():
        flow = model.extract_flow(clips)[0].view(2, 3, 2, 2, 37, 33)
        predictions = model.predict(clips, samples)
    for sample, expected in zip(predictions, flow):
        # In pixels: not scaled, not cut.
        torch.testing.assert_close(sample.pred_flow, expected)
    model.return_flow = False
    again = model.predict(*make_batch(num_clips=3))
    assert not hasattr(again[0], 'pred_flow')


def test_return_flow_of_both_directions(build_recognizer, make_batch):
    model = build_recognizer(
        test_cfg=dict(return_flow='both', max_testing_views=2)).eval()
    clips, samples = make_batch(num_clips=3)
    with torch.no_grad():
        there, back = model.flow_estimator.bidirectional(clips.flatten(0, 1))
        predictions = model.predict(clips, samples)
    for key, flows in (('pred_flow', there), ('pred_flow_back', back)):
        found = torch.cat([sample.get(key) for sample in predictions])
        torch.testing.assert_close(found, flows[0])


def test_flow_terms_are_the_mean_of_both_directions(build_recognizer,
                                                    make_batch):
    model = build_recognizer(loss_weights=dict(flow=0.5, cls=1.0))
    clips, samples = make_batch()
    losses = model.loss(clips, samples)
    clip = clips[:, 0]
    estimator = model.flow_estimator
    for module in flow_losses(model):
        forward = module(estimator(clip), clip)
        backward = module(
            estimator(clip, backward=True), clip, backward=True)
        for key in forward:
            torch.testing.assert_close(
                losses[key], 0.5 * (forward[key] + backward[key]) / 2)
    flow = estimator(clip)[0]
    torch.testing.assert_close(losses['flow_norm'],
                               flow.norm(dim=1).mean())
    deviation = flow.flatten(3).var(3).sum(1).sqrt().mean()
    torch.testing.assert_close(losses['flow_std'], deviation)


def test_class_term_has_its_weight(build_recognizer, make_batch):
    model = build_recognizer().eval()
    clips, samples = make_batch()
    values = []
    for weight in (1., 3.):
        model.loss_weights = dict(cls=weight)
        losses = model.loss(clips, samples)
        assert not losses.keys() & {'loss_difference', 'loss_smoothness'}
        values.append(losses['loss_cls'])
        assert losses['top5_acc'] == 1  # a measure, not a loss
    torch.testing.assert_close(values[1], 3 * values[0])


@pytest.mark.parametrize('losses', [dict(flow=1.), dict(flow=1., cls=1.)])
def test_pairs_per_clip(build_recognizer, make_batch, losses):
    """Each step draws consecutive frames of each clip for the flow terms."""
    model = build_recognizer(pairs_per_clip=2, loss_weights=losses)
    seen = []
    model.flow_loss.register_forward_pre_hook(
        lambda module, args: seen.append(args[2]))
    clips, samples = make_batch(batch=2, num_clips=2)
    # Brightness identifies each frame.
    number = torch.arange(12.).view(2, 2, 1, 3, 1, 1)
    clips = (number / 12).expand_as(clips).contiguous()
    starts = set()
    for _ in range(8):
        seen.clear()
        model.loss(clips, samples)
        pairs, = seen  # one draw for all terms and both directions
        assert pairs.shape == (8, 3, 2, 32, 32)
        drawn = (12 * pairs[:, 0, :, 0, 0]).round().int()
        for row, (early, late) in enumerate(drawn.tolist()):
            assert early // 3 == late // 3 == row // 2
            assert late == early + 1
            starts.add(early)
    assert starts == {0, 1, 3, 4, 6, 7, 9, 10}


def test_default_preprocessor_leaves_rgb_in_0_to_1(build_recognizer):
    model = build_recognizer()
    video = torch.randint(0, 256, (1, 3, 3, 32, 32), dtype=torch.uint8)
    video[0, 0, 0, 0, :2] = torch.tensor([0, 255], dtype=torch.uint8)
    data = model.data_preprocessor(
        dict(inputs=[video, video], data_samples=None))
    torch.testing.assert_close(data['inputs'][0], video / 255)


def test_estimator_of_one_level(build_recognizer, make_batch):
    """An estimator with one output level returns a tensor."""
    estimator = dict(
        type='UnsupervisedFlowEstimator',
        pyramid_channels=(4, 4, 4, 4),
        decoder_channels=((4, ), ) * 5,
        out_indices=(0, ))
    level = dict(level_weights=(1., ))
    model = build_recognizer(
        flow_estimator=estimator,
        photometric_loss=dict(type='PhotometricLoss', **level),
        smoothness_loss=dict(type='SmoothnessLoss', **level))
    clips, samples = make_batch()
    flow, = model.extract_flow(clips)
    assert flow.shape == (2, 2, 2, 32, 32)
    assert model.loss(clips, samples)['loss_census'] > 0


def test_a_classical_estimator_takes_its_place(build_recognizer, make_batch):
    model = build_recognizer(
        flow_estimator=dict(type='TVL1FlowEstimator', preset='fast'),
        photometric_loss=None,
        smoothness_loss=None)
    assert model.parts == ('backbone', 'cls_head')
    model.set_stage(('backbone', 'cls_head'), dict(cls=1.))
    clips, samples = make_batch()
    losses = model.loss(clips, samples)
    assert not {'loss_difference', 'loss_census'} & losses.keys()
    losses['loss_cls'].backward()
    with pytest.raises(ValueError, match='flow_estimator'):
        model.set_stage(('flow_estimator', ), dict(cls=1.))
