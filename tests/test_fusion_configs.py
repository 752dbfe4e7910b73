# SPDX-License-Identifier: Apache-2.0
"""Every fusion tests both streams, and each as its own config does."""
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

CONFIGS = ('uftsn_fusion_ucf101', 'uftsn_fusion_hmdb51',
           'uftsn_fusion_ucf101_subset', 'uftsn_fusion_quickstart')

# What a stream's pipeline has to itself: its layout, and what it packs.
OWN_STEPS = ('TakeFrames', 'LoadGroundTruthFlow', 'FormatShape',
             'PackActionInputs')
AUGMENTATIONS = ('Flip', 'RandomCrop', 'MultiScaleCrop', 'RandomResizedCrop',
                 'ColorJitter', 'TenCrop', 'ThreeCrop')


@pytest.fixture
def load(repo_root):
    """Function that reads a fusion and, by name, the configs it names."""

    def load_(name):
        cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
        return cfg, {
            stream: Config.fromfile(found.model)
            for stream, found in cfg.model.streams.items()
        }

    return load_


@pytest.mark.parametrize('name', CONFIGS)
def test_test_step(name, load, one_batch):
    cfg, _ = load(name)
    for stream in cfg.model.streams.values():
        # Nothing is trained here; the rest of the model is as shipped.
        stream.checkpoint = None
    model = MODELS.build(cfg.model).eval()
    model.per_stream = True
    sample, = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=2))
    scores = sample.pred_score
    assert set(scores) == {'spatial', 'temporal', 'fusion', 'fusion_prob'}
    # The generated set always has 16 classes.
    classes = cfg.test_dataloader.dataset.get('num_classes', 16)
    for score in scores.values():
        assert score.shape == (classes, )
        assert torch.isfinite(score).all()
    # Equal weights; the two streams say different things.
    torch.testing.assert_close(scores['fusion'],
                               (scores['spatial'] + scores['temporal']) / 2)
    assert not torch.allclose(scores['spatial'], scores['temporal'])


@pytest.mark.parametrize('name', CONFIGS)
def test_a_stream_alone_sees_what_it_sees_in_the_fusion(name, load):
    cfg, streams = load(name)
    fusion = cfg.test_dataloader.dataset
    for stream, alone in streams.items():
        dataset = alone.test_dataloader.dataset
        kept = [step.frames for step in dataset.pipeline
                if step.type == 'TakeFrames']
        frames = cfg.model.streams[stream].get('frames')
        assert kept == ([] if frames is None else [frames])
        # Sampling, sizes and crops are the same, and so are the videos.
        assert [step for step in dataset.pipeline
                if step.type not in OWN_STEPS] == [
                    step for step in fusion.pipeline
                    if step.type not in OWN_STEPS
                ]
        assert {**dataset, 'pipeline': None} == {**fusion, 'pipeline': None}
    sampling = fusion.pipeline[1]
    assert sampling.type == 'SampleFrames'
    assert streams['temporal'].model.clip_len == sampling.clip_len
    # The frame in the middle, or the one after it.
    assert cfg.model.streams.spatial.frames == sampling.clip_len // 2


@pytest.mark.parametrize('name', CONFIGS)
def test_checkpoints_are_those_that_the_streams_leave(name, load):
    cfg, streams = load(name)
    for stream, found in cfg.model.streams.items():
        # The demo has its own folders.
        folder = (f'quickstart/{stream}' if 'quickstart' in name else
                  Path(found.model).stem)
        epochs = streams[stream].train_cfg.max_epochs
        assert found.checkpoint == f'work_dirs/{folder}/epoch_{epochs}.pth'


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_protocol(data_set, load):
    """Sec. 3.2: 25 samples of both streams, no augmentation, the average."""
    cfg, streams = load(f'uftsn_fusion_{data_set}')
    assert {stream: found.model.backbone.depth
            for stream, found in streams.items()} == dict(
                spatial=152, temporal=18)  # yapf: disable
    assert cfg.model.average == 'score'
    assert {found.weight for found in cfg.model.streams.values()} == {1.0}
    pipeline = cfg.test_dataloader.dataset.pipeline
    assert not {step.type for step in pipeline} & set(AUGMENTATIONS)
    sampling, = (step for step in pipeline if step.type == 'SampleFrames')
    assert sampling.num_clips == 25 and sampling.clip_len == 10
    assert sampling.get('frame_interval', 1) == 1 and sampling.test_mode
    # ResNet-152 on 25 samples at once would take several GB.
    assert cfg.model.test_cfg.max_testing_views == 5
