# SPDX-License-Identifier: Apache-2.0
"""Fused scores against those of each stream alone, by stock test steps."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.runner import load_checkpoint

WEIGHTS = dict(spatial=1.0, temporal=2.5, dense=0.5)
SPATIAL = dict(
    type='Recognizer2D',
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8),
    cls_head=dict(
        type='TSNHead', num_classes=5, in_channels=64, average_clips='score'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[124., 116., 104.],
        std=[58., 57., 57.],
        format_shape='NCHW'))
TEMPORAL = dict(
    type='UFTSNRecognizer',
    clip_len=3,
    flow_estimator=dict(
        type='UnsupervisedFlowEstimator',
        pyramid_channels=(4, 4, 4, 4),
        decoder_channels=((4, ), ) * 5),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        in_channels=4,
        stem_channels=8,
        base_channels=8),
    cls_head=dict(
        type='TSNHead', num_classes=5, in_channels=64, average_clips='score'))
DENSE = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly', depth=18, pretrained=None, base_channels=8),
    cls_head=dict(
        type='I3DHead', num_classes=5, in_channels=64, average_clips='score'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[124., 116., 104.],
        std=[58., 57., 57.],
        format_shape='NCTHW'))


@pytest.fixture
def trained(build_recognizer):
    """Three recognizers, each with weights of its own."""
    return {
        name: build_recognizer(**cfg).eval()
        if cfg is TEMPORAL else MODELS.build(copy.deepcopy(cfg)).eval()
        for name, cfg in (('spatial', SPATIAL), ('temporal', TEMPORAL),
                          ('dense', DENSE))
    }


@pytest.fixture
def build_fusion(trained, tmp_path):
    """Function that fuses their checkpoints; keywords are settings."""
    models = dict(spatial=SPATIAL, temporal=TEMPORAL, dense=DENSE)

    def build(more=None, **kwargs):
        streams = {}
        for name, model in models.items():
            checkpoint = str(tmp_path / f'{name}.pth')
            torch.save(dict(state_dict=trained[name].state_dict()), checkpoint)
            streams[name] = dict(
                model=model, checkpoint=checkpoint, weight=WEIGHTS[name])
        streams['spatial']['frames'] = 1
        for name, settings in (more or {}).items():
            streams[name].update(settings)
        return MODELS.build(
            dict(type='FusionRecognizer', streams=streams, **kwargs)).eval()

    return build


def random_clips(samples=(2, 2, 2), clip_len=3, sizes=((32, 32), ) * 3):
    return [
        torch.randint(256, (m, 3, clip_len, *size), dtype=torch.uint8)
        for m, size in zip(samples, sizes)
    ]


@torch.no_grad()
def predict(model, inputs, batch=3):
    """Run a batch as the test loop of the runner does."""
    samples = [ActionDataSample().set_gt_label(n) for n in range(batch)]
    return model.test_step(dict(inputs=inputs, data_samples=samples))


def scores(model, inputs):
    return torch.stack([
        sample.pred_score for sample in predict(model, inputs, len(inputs))
    ])


def shown(name, clips):
    """Input of a stream in the layout of its own pipeline."""
    return [clip[:, :, 1] for clip in clips] if name == 'spatial' else clips


def test_fused_score_is_the_weighted_mean_of_the_streams_alone(
        trained, build_fusion):
    clips = random_clips()
    alone = {
        name: scores(model, shown(name, clips))
        for name, model in trained.items()
    }
    # Or equal scores would show nothing.
    assert (alone['spatial'] - alone['temporal']).abs().max() > 0.01
    assert (alone['dense'][0] - alone['dense'][1]).abs().max() > 1e-3
    expected = sum(WEIGHTS[name] * alone[name] for name in alone) / 4
    fusion = build_fusion()
    torch.testing.assert_close(
        scores(fusion, clips), expected, rtol=1e-5, atol=1e-5)

    fusion.per_stream = True
    for index, sample in enumerate(predict(fusion, clips)):
        for name in alone:
            torch.testing.assert_close(
                sample.pred_score[name],
                alone[name][index],
                rtol=1e-5,
                atol=1e-5)


def test_probabilities_are_averaged_over_samples_then_over_streams(
        trained, build_fusion):
    clips = random_clips()
    alone = {}
    for name, model in trained.items():
        views = torch.cat(shown(name, clips))[:, None]
        alone[name] = scores(model, list(views)).softmax(dim=1).view(
            3, 2, 5).mean(dim=1)
    expected = sum(WEIGHTS[name] * alone[name] for name in alone) / 4
    found = scores(build_fusion(average='prob'), clips)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(3))

    # The other average is there beside the one that makes the prediction.
    for average, other in (('score', 'prob'), ('prob', 'score')):
        fusion = build_fusion(average=average)
        fusion.per_stream = True
        both = [sample.pred_score for sample in predict(fusion, clips)]
        assert list(both[0]) == [
            'spatial', 'temporal', 'dense', 'fusion', f'fusion_{other}'
        ]
        prob = 'fusion' if average == 'prob' else 'fusion_prob'
        torch.testing.assert_close(
            torch.stack([score[prob] for score in both]), found)


def test_number_of_samples_at_a_time_changes_no_score(build_fusion):
    clips = random_clips(samples=(4, 4), sizes=((32, 32), ) * 2)
    first, *others = (
        scores(build_fusion(test_cfg=dict(max_testing_views=views)), clips)
        for views in (None, 1, 3))
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-5, atol=1e-5)


def test_videos_of_a_batch_differ_in_size_and_samples(build_fusion):
    """Each one is what it would be alone; none is padded."""
    fusion = build_fusion(test_cfg=dict(max_testing_views=2))
    for settings in (dict(samples=(1, 3, 2)),
                     dict(sizes=((32, 48), (40, 32), (32, 48))),
                     dict(samples=(3, 1, 2),
                          sizes=((32, 32), (32, 32), (32, 40)))):
        clips = random_clips(**settings)
        expected = torch.cat([scores(fusion, [clip]) for clip in clips])
        torch.testing.assert_close(
            scores(fusion, clips), expected, rtol=1e-5, atol=1e-5)


def test_label_is_the_argmax_of_the_fused_score(build_fusion):
    clips = random_clips()
    fusion = build_fusion()
    plain = predict(fusion, clips)
    fusion.per_stream = True
    for sample, other in zip(plain, predict(fusion, clips)):
        assert sample.pred_score.shape == (5, )
        assert sample.pred_label.tolist() == [sample.pred_score.argmax()]
        assert torch.equal(other.pred_score['fusion'], sample.pred_score)
        assert torch.equal(other.pred_label, sample.pred_label)
    with torch.no_grad():
        tensor = fusion(clips, mode='tensor')
    assert torch.equal(tensor, torch.stack([s.pred_score for s in plain]))


def test_one_checkpoint_of_the_fusion_replaces_those_of_the_streams(
        build_fusion, tmp_path):
    clips, fusion = random_clips(), build_fusion()
    torch.save(dict(state_dict=fusion.state_dict()), tmp_path / 'fusion.pth')
    other = build_fusion(
        {name: dict(checkpoint=None)
         for name in WEIGHTS})
    assert not torch.equal(scores(other, clips), scores(fusion, clips))
    load_checkpoint(other, str(tmp_path / 'fusion.pth'), strict=True)
    assert torch.equal(scores(other, clips), scores(fusion, clips))


@pytest.mark.parametrize('left', ['none', 'spatial'])
def test_checkpoint_of_less_than_the_fusion_is_refused(build_fusion, tmp_path,
                                                       left):
    """Stock loaders would warn, and the test would go on with noise."""
    model = build_fusion()
    weights = {
        name: value
        for name, value in model.state_dict().items()
        if name.startswith(f'streams.{left}.')
    }
    path = str(tmp_path / 'part.pth')
    torch.save(weights, path)
    with pytest.raises(ValueError, match='checkpoint lacks.*streams'):
        load_checkpoint(model, path)
