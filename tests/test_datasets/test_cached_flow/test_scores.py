# SPDX-License-Identifier: Apache-2.0
"""Cached flow and live flow make the same classifier say the same."""
import copy

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate

STEP = 1 / 16
ESTIMATOR = dict(type='TVL1FlowEstimator', preset='fast')
CLASSIFIER = dict(
    clip_len=3,
    # Small motions matter, and the largest are cut.
    flow_bound=2.0,
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        in_channels=4,
        stem_channels=8,
        base_channels=8),
    cls_head=dict(
        type='TSNHead',
        num_classes=5,
        in_channels=64,
        dropout_ratio=0.,
        average_clips='score'),
    test_cfg=dict(return_flow=True, max_testing_views=1))
CACHED = dict(CLASSIFIER, type='CachedFlowRecognizer')
LIVE = dict(CLASSIFIER, type='UFTSNRecognizer', flow_estimator=ESTIMATOR)


@pytest.fixture
def models():
    """Cached and live recognizer of the same weights."""
    cached, live = (
        MODELS.build(copy.deepcopy(cfg)).eval() for cfg in (CACHED, LIVE))
    torch.nn.init.normal_(live.cls_head.fc_cls.weight)
    # All names are the same: weights of one are those of the other.
    cached.load_state_dict(live.state_dict(), strict=True)
    return cached, live


@pytest.fixture
def batch(generated_videos):
    """Function that sends two videos through a pipeline."""

    def load(*steps, **packing):
        dataset = DATASETS.build(
            dict(
                type='CheckedVideoDataset',
                ann_file=str(generated_videos / 'two_test.txt'),
                data_prefix=dict(video=str(generated_videos / 'videos')),
                test_mode=True,
                pipeline=[
                    dict(type='DecordInit'),
                    dict(
                        type='SampleFrames',
                        clip_len=3,
                        frame_interval=2,
                        num_clips=2,
                        test_mode=True),
                    dict(type='DecordDecode'),
                    dict(type='Resize', scale=(56, 40), keep_ratio=False),
                    *steps,
                    dict(type='PackActionInputs', **packing)
                ]))
        return pseudo_collate([dataset[0], dataset[1]])

    return load


@pytest.fixture
def cached_flow(tmp_path):
    """Function that gives the config of the transform."""

    def config(folder='cache'):
        return dict(
            type='CachedFlow',
            estimator=ESTIMATOR,
            cache_dir=str(tmp_path / folder),
            step=STEP)

    return config


def predict(model, data):
    samples = model.test_step(copy.deepcopy(data))
    return (torch.stack([sample.pred_score for sample in samples]),
            torch.stack([sample.pred_flow for sample in samples]))


def test_scores_are_those_of_live_flow_up_to_the_rounding(
        models, batch, cached_flow):
    cached, live = models
    expected, live_flow = predict(
        live, batch(dict(type='FormatShape', input_format='NCTHW')))
    data = batch(cached_flow(), dict(type='FormatFlow'))
    scores, flow = predict(cached, data)

    assert flow.shape == live_flow.shape == (2, 2, 2, 2, 40, 56)
    assert live_flow.abs().max() > 1 and live_flow.abs().mean() > 0.1
    error = (flow - live_flow).abs().max()
    assert 0.25 * STEP < error <= 0.5 * STEP + 1e-5

    # The rounding is all that differs ...
    rounded = (live_flow / STEP).round() * STEP
    same, _ = predict(cached, dict(data, inputs=list(rounded)))
    torch.testing.assert_close(scores, same, atol=1e-5, rtol=1e-5)
    # ... and it matters little, while the flow matters much.
    none, _ = predict(cached, dict(data, inputs=list(0 * rounded)))
    effect = (expected - none).abs().max()
    assert (scores - expected).abs().max() < 0.05 * effect

    # From the disk, and computed anew, it is the same again.
    for folder in ('cache', 'another'):
        again, _ = predict(
            cached, batch(cached_flow(folder), dict(type='FormatFlow')))
        assert torch.equal(again, scores)


def test_flipped_cached_flow_is_that_of_flipped_frames(models, batch,
                                                       cached_flow):
    """TV-L1 treats left and right almost alike; stock Flip would be far off.
    """
    cached, live = models
    flip = dict(flip_ratio=1.0)
    _, expected = predict(
        live,
        batch(
            dict(type='Flip', **flip),
            dict(type='FormatShape', input_format='NCTHW')))
    _, flow = predict(
        cached,
        batch(cached_flow(), dict(type='FlipFlow', **flip),
              dict(type='FormatFlow')))
    _, plain = predict(cached, batch(cached_flow(), dict(type='FormatFlow')))
    mirrored = plain.flip(-1)
    error, without_sign = ((found - expected).abs().mean()
                           for found in (flow, mirrored))
    assert error < 0.2 * without_sign


def test_cached_flow_is_a_stream_of_a_fusion(models, batch, cached_flow):
    cached, live = models
    streams = {}
    for name, cfg in (('live', LIVE), ('cached', CACHED)):
        streams[name] = dict(model=dict(cfg, test_cfg=None), sampling=name)
    fusion = MODELS.build(dict(type='FusionRecognizer', streams=streams))
    fusion.per_stream = True
    for stream in fusion.eval().streams.values():
        stream.recognizer.load_state_dict(live.state_dict())
    pipelines = dict(
        live=[dict(type='FormatShape', input_format='NCTHW')],
        cached=[cached_flow(), dict(type='FormatFlow')])
    data = batch(
        dict(type='Samplings', pipelines=pipelines),
        collect_keys=('live', 'cached'))
    expected, _ = predict(
        cached, batch(cached_flow(), dict(type='FormatFlow')))
    for sample, scores in zip(fusion.test_step(data), expected):
        found = sample.pred_score
        torch.testing.assert_close(
            found['cached'], scores, atol=1e-5, rtol=1e-5)
        assert not torch.equal(found['cached'], found['live'])
        torch.testing.assert_close(
            found['fusion'], (found['cached'] + found['live']) / 2)


@pytest.mark.parametrize('shape', [(2, 1, 3, 3, 32, 32), (2, 1, 2, 3, 32, 32),
                                   (2, 2, 2, 32, 32)])
def test_frames_in_the_place_of_flow_are_refused(models, shape):
    with pytest.raises(ValueError, match=r'\(B, M, 2, 2, H, W\), got'):
        models[0].extract_flow(torch.rand(shape))


def test_it_has_no_flow_to_train(models):
    cached, _ = models
    assert cached.parts == ('backbone', 'cls_head')
    with pytest.raises(ValueError, match='flow_losses'):
        cached.set_stage(['backbone'], dict(flow=1.0))
