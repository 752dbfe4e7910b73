# SPDX-License-Identifier: Apache-2.0
"""Inputs that the recognizer refuses, and inputs under autocast."""
import pytest
import torch
from mmaction.evaluation import AccMetric, mean_average_precision


def test_frames_in_0_to_255_are_refused(build_recognizer, make_batch):
    """They would pass through, and the losses would scale them again."""
    model = build_recognizer()
    clips, samples = make_batch()
    with pytest.raises(ValueError, match=r'\[0, 1\].*std=\[255'):
        model(clips * 255, samples, mode='loss')


@pytest.mark.parametrize('settings, words', [
    (dict(pairs_per_clip=0), 'pairs_per_clip'),
    (dict(test_cfg=dict(max_testing_views=0)), 'max_testing_views'),
    (dict(loss_weights=dict(classification=1.)), 'flow.*cls'),
    (dict(loss_weights=dict(cls=-1.)), 'above 0'),
    (dict(photometric_loss=None, smoothness_loss=None,
          loss_weights=dict(flow=1.)), 'photometric_loss'),
    (dict(flow_estimator=dict(type='UnsupervisedFlowEstimator',
                              out_indices=(1, 2))), 'level 0'),
])  # yapf: disable
def test_settings_it_refuses(build_recognizer, settings, words):
    with pytest.raises(ValueError, match=words):
        build_recognizer(**settings)


def test_what_is_no_estimator_is_refused(build_recognizer):
    with pytest.raises(TypeError, match='UFTSNRecognizer.*PhotometricLoss.*'
                       'FlowEstimator'):
        build_recognizer(flow_estimator=dict(type='PhotometricLoss'))


@pytest.mark.parametrize('shape', [(2, 1, 3, 4, 32, 32), (2, 1, 4, 3, 32, 32),
                                   (2, 3, 3, 32, 32)])
def test_inputs_of_another_shape_are_refused(build_recognizer, make_batch,
                                             shape):
    model = build_recognizer()
    _, samples = make_batch()
    with pytest.raises(ValueError, match='clip_len=3') as caught:
        model(torch.rand(shape), samples, mode='loss')
    assert str(shape) in str(caught.value)


def test_a_value_that_is_not_a_number_is_refused(build_recognizer,
                                                 make_batch):
    """In any batch, not in the first one alone."""
    model = build_recognizer().eval()
    clips, samples = make_batch()
    model(clips, samples, mode='predict')
    clips[1, 0, 2, 1, 5, 6] = float('nan')
    with pytest.raises(ValueError, match='nan'):
        model(clips, samples, mode='predict')


@pytest.mark.parametrize('use_cost_volume', [True, False])
def test_autocast(build_recognizer, make_batch, use_cost_volume):
    """Flow stays float32, and heads and metrics find what numpy can hold."""
    model = build_recognizer(
        flow_estimator=dict(
            type='UnsupervisedFlowEstimator',
            pyramid_channels=(4, 4, 4, 4),
            decoder_channels=((4, ), ) * 5,
            use_cost_volume=use_cost_volume))
    clips, samples = make_batch()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert {flow.dtype
                for flow in model.extract_flow(clips)} == {torch.float32}
        losses = model(clips, samples, mode='loss')
        loss, _ = model.parse_losses(losses)
        predicted = model.eval()(clips, samples, mode='predict')
    loss.backward()
    assert torch.isfinite(loss)
    scores = torch.stack([sample.pred_score for sample in predicted])
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores.sum(1), torch.ones(len(scores)))


@pytest.mark.parametrize('dtype, tolerance', [(torch.bfloat16, 0.05),
                                              (torch.float64, 1e-4)])
@pytest.mark.parametrize('cast_clips', [True, False])
def test_a_whole_model_of_another_precision_predicts(
        build_recognizer, make_batch, dtype, tolerance, cast_clips):
    model = build_recognizer(test_cfg=dict(return_flow=True)).eval()
    clips, samples = make_batch()
    with torch.no_grad():
        expected = [
            sample.pred_score
            for sample in model(clips, samples, mode='predict')
        ]
        predicted = model.to(dtype)(
            clips.to(dtype) if cast_clips else clips, samples, mode='predict')
    for sample, score in zip(predicted, expected):
        assert sample.pred_score.dtype == torch.promote_types(
            dtype, torch.float32)
        assert sample.pred_flow.dtype in (torch.float32, torch.float64)
        torch.testing.assert_close(
            sample.pred_score.float(), score, atol=tolerance, rtol=0)


def test_an_estimator_without_a_head_trains_on_flow(build_recognizer,
                                                    make_batch):
    model = build_recognizer(cls_head=None)
    losses = model(*make_batch(), mode='loss')
    assert {name for name in losses if 'loss' in name} == {
        'loss_difference', 'loss_census', 'loss_smoothness'
    }


def with_true_flow(samples, size):
    """The same samples, as a generated data set gives them."""
    for sample in samples:
        for key in ('gt_flow', 'gt_flow_back'):
            sample.set_field(torch.randn(1, 2, 2, *size), key)
    return samples


def test_an_estimator_without_a_classifier(build_recognizer, make_batch):
    """It trains on the true flow of generated clips, and predicts flow."""
    model = build_recognizer(
        backbone=None,
        cls_head=None,
        photometric_loss=None,
        smoothness_loss=None,
        flow_losses=dict(truth=dict(
            type='EndPointErrorLoss', level_weights=(1., ) * 5)))
    assert model.parts == ('flow_estimator', )
    clips, samples = make_batch()
    with pytest.raises(ValueError, match='gt_flow'):
        model(clips, samples, mode='loss')
    samples = with_true_flow(samples, clips.shape[-2:])
    losses = model(clips, samples, mode='loss')
    losses['loss_end_point_error'].backward()
    assert all(p.grad is not None for p in model.parameters())
    # Of both directions, each with its own truth.
    model.set_stage(['flow_estimator'], dict(flow=1.0))
    flows = model.flow_estimator.bidirectional(clips[:, 0])
    truths = [torch.cat([sample.get(key) for sample in samples])
              for key in ('gt_flow', 'gt_flow_back')]
    loss, = model.flow_loss.terms
    expected = sum(
        loss(flow, clips[:, 0], gt_flow=truth)['loss_end_point_error'] / 2
        for flow, truth in zip(flows, truths))
    torch.testing.assert_close(
        model(clips, samples, mode='loss')['loss_end_point_error'], expected)
    model.eval()
    predictions = model(clips, samples, mode='predict')
    for sample, flow in zip(predictions, model.extract_flow(clips)[0]):
        torch.testing.assert_close(sample.pred_flow, flow[None])


def test_a_head_needs_a_backbone(build_recognizer):
    with pytest.raises(ValueError, match='backbone'):
        build_recognizer(backbone=None)


def test_drawn_pairs_have_no_true_flow(build_recognizer):
    with pytest.raises(ValueError, match='pairs_per_clip'):
        build_recognizer(
            pairs_per_clip=1,
            flow_losses=dict(truth=dict(
                type='EndPointErrorLoss', level_weights=(1., ) * 5)))


def test_a_video_may_have_several_labels(build_recognizer, make_batch):
    """To the mean average precision, as a list with multi_class gives."""
    model = build_recognizer(
        cls_head=dict(
            type='TSNHead',
            num_classes=4,
            in_channels=64,
            multi_class=True,
            loss_cls=dict(type='BCELossWithLogits', loss_weight=1.),
            average_clips='prob'))
    clips, samples = make_batch()
    labels = torch.eye(4)[:len(samples)]
    labels[:, -1] = 1
    for sample, label in zip(samples, labels):
        sample.set_gt_label(label)
    loss, _ = model.parse_losses(model(clips, samples, mode='loss'))
    loss.backward()
    assert loss.isfinite()
    with torch.no_grad():
        predicted = model.eval()(clips, samples, mode='predict')
    metric = AccMetric(metric_list=('mean_average_precision', ))
    metric.process(None, [sample.to_dict() for sample in predicted])
    found = metric.compute_metrics(metric.results)
    scores = [sample.pred_score.numpy() for sample in predicted]
    assert found == dict(
        mean_average_precision=mean_average_precision(scores, labels.numpy()))
