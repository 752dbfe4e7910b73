# SPDX-License-Identifier: Apache-2.0
"""Stream of a fusion: its recognizer and its inputs."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from uftsn_mmaction.models.recognizers.stream import Stream

NORM = dict(
    type='ActionDataPreprocessor',
    mean=[124., 116., 104.],
    std=[58., 57., 57.])
IMAGES = dict(
    type='Recognizer2D',
    backbone=dict(
        type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8),
    cls_head=dict(
        type='TSNHead', num_classes=5, in_channels=64, average_clips='score'),
    data_preprocessor=dict(NORM, format_shape='NCHW'))
CLIPS = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly', depth=18, pretrained=None, base_channels=8),
    cls_head=dict(
        type='I3DHead', num_classes=5, in_channels=64, average_clips='score'),
    data_preprocessor=dict(NORM, format_shape='NCTHW'))


@pytest.fixture
def clips():
    """Samples as decoded."""
    return torch.randint(256, (3, 3, 4, 32, 32), dtype=torch.uint8)


@pytest.fixture
def build(tmp_path):
    """Function that builds a stream with the weights of a model alone."""

    def build(cfg, changes=None, **settings):
        torch.manual_seed(1)
        model = MODELS.build(copy.deepcopy(cfg)).eval()
        torch.save(
            dict(state_dict=model.state_dict()), tmp_path / 'stream.pth')
        changed = Config(copy.deepcopy(cfg))
        changed.merge_from_dict(changes or {})
        stream = Stream(
            'x',
            changed._cfg_dict,
            checkpoint=str(tmp_path / 'stream.pth'),
            **settings)
        return stream.eval(), model

    return build


@torch.no_grad()
def alone(model, inputs):
    """Scores by MMAction2's own test step, each sample for itself."""
    samples = [ActionDataSample() for _ in inputs]
    found = model.test_step(dict(inputs=list(inputs), data_samples=samples))
    return torch.stack([sample.pred_score for sample in found])


@torch.no_grad()
def assert_scores(stream, views, expected):
    found = stream(views)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('frames, positions', [
    (2, [2]),
    (-1, [3]),
    ([0, 3], [0, 3]),
    ((-4, 1, 2), [0, 1, 2]),
    (None, [0, 1, 2, 3]),
])
def test_frames_of_a_2d_recognizer_are_its_segments(build, clips, frames,
                                                    positions):
    stream, model = build(IMAGES, frames=frames)
    # n x 3 x T x H x W -> n x T x 3 x H x W, as FormatShape('NCHW') has it
    segments = clips.transpose(1, 2)[:, positions]
    assert_scores(stream, clips, alone(model, segments))
    with torch.no_grad():
        others = stream(clips.flip(2)[:, :, [1, 0, 3, 2]])
    if len(positions) < 4:
        assert not torch.allclose(others, stream(clips), atol=1e-3)


def test_frames_of_a_3d_recognizer_are_a_shorter_clip_in_their_order(
        build, clips):
    stream, model = build(CLIPS, frames=[3, 1])
    assert_scores(stream, clips, alone(model, clips[:, None, :, [3, 1]]))


def test_images_serve_a_2d_recognizer_as_they_are(build, clips):
    stream, model = build(IMAGES)
    assert_scores(stream, clips[:, :, 2], alone(model, clips[:, None, :, 2]))


def test_scores_are_float32_under_mixed_precision(build, clips):
    for cfg in (IMAGES, CLIPS):
        stream, _ = build(cfg)
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
            assert stream(clips).dtype == torch.float32


def test_probabilities_of_a_head_do_not_reach_the_fusion(build, clips):
    for average in ('prob', None):
        stream, model = build(CLIPS, {'cls_head.average_clips': average})
        assert_scores(stream, clips, alone(model, clips[:, None]))


def test_limit_of_a_stock_recognizer_does_no_harm(build, clips):
    """Recognizer3D itself takes one video at a time with it."""
    limit = dict(max_testing_views=2)
    stream, model = build(CLIPS, dict(test_cfg=limit))
    assert_scores(stream, clips, alone(model, clips[:, None]))
    model.test_cfg = limit
    with pytest.raises(AssertionError, match='batch_size == 1'):
        alone(model, clips[:, None])
    # A dict of Python's own, and the caller's copy is left as it was.
    cfg = dict(CLIPS, test_cfg=limit)
    assert Stream('x', cfg).recognizer.test_cfg == {}
    assert cfg['test_cfg'] == dict(max_testing_views=2)


def test_model_is_a_config_file_too(build, clips, tmp_path):
    Config(dict(model=IMAGES)).dump(tmp_path / 'images.py')
    stream, model = build(IMAGES, frames=0)
    from_file = Stream(
        'x',
        str(tmp_path / 'images.py'),
        checkpoint=str(tmp_path / 'stream.pth'),
        frames=0).eval()
    assert_scores(from_file, clips, alone(model, clips.transpose(1, 2)[:, :1]))
    assert from_file.num_classes == 5


def test_model_is_a_config_of_mmaction2_too():
    name = 'mmaction::recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x3-'
    stream = Stream('x', name + '100e_kinetics400-rgb.py')
    assert type(stream.recognizer).__name__ == 'Recognizer2D'
    assert stream.num_classes == 400


def test_missing_config_is_named_as_given_and_absolute(tmp_cwd):
    with pytest.raises(FileNotFoundError) as caught:
        Stream('motion', 'configs/none.py')
    for part in ("stream 'motion'", "'configs/none.py'",
                 str(tmp_cwd / 'configs' / 'none.py')):
        assert part in str(caught.value)


def test_config_without_a_model(tmp_path):
    (tmp_path / 'data.py').write_text('clip_len = 3\n')
    with pytest.raises(ValueError, match="'motion'.*data.py.*model"):
        Stream('motion', str(tmp_path / 'data.py'))


@pytest.mark.parametrize('weight', [-0.5, float('nan'), float('inf')])
def test_weight_below_zero_or_no_number(weight):
    with pytest.raises(
            ValueError, match=f"weight.*'x'.*{weight}"):
        Stream('x', IMAGES, weight=weight)


def test_recognizer_without_a_head():
    headless = {k: v for k, v in IMAGES.items() if k != 'cls_head'}
    with pytest.raises(ValueError, match="'x'.*Recognizer2D.*cls_head"):
        Stream('x', headless)


@pytest.mark.parametrize('frames, words', [
    (4, "frames of stream 'x'.* 4,.* 4 frames"),
    ([0, -5], "frames of stream 'x'.* -5\\b"),
    ([], "frames of stream 'x'.*empty"),
])
def test_frame_outside_the_clip(build, clips, frames, words):
    stream, _ = build(IMAGES, frames=frames)
    with pytest.raises(ValueError, match=words):
        stream(clips)


def test_images_for_a_recognizer_of_clips(build, clips):
    stream, _ = build(CLIPS)
    with pytest.raises(ValueError, match="'x'.*NCTHW"):
        stream(clips[:, :, 0])
