# SPDX-License-Identifier: Apache-2.0
"""Every config of a spatial stream builds and takes a step of each kind."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

CONFIGS = ('tsn_r152_ucf101', 'tsn_r152_hmdb51', 'tsn_r18_ucf101_subset',
           'tsn_r18_quickstart')


@pytest.mark.parametrize('name', CONFIGS)
def test_train_and_test_step(name, repo_root, one_batch):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    # No download in a test; the rest of the model is as shipped.
    cfg.model.backbone.pretrained = None
    model = MODELS.build(cfg.model)
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {k: v.clone() for k, v in model.named_parameters()}
    model.train()
    losses = model.train_step(
        one_batch(cfg.train_dataloader, 'train', num_clips=1), optim_wrapper)
    assert torch.isfinite(losses['loss_cls'])
    # All layers, those of the start too.
    moved = [
        name for name, value in model.named_parameters()
        if not torch.equal(value, before[name])
    ]
    assert len(moved) > 0.9 * len(before)
    assert {'backbone.conv1.conv.weight', 'cls_head.fc_cls.weight'} <= {*moved}

    model.eval()
    sample, = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=2))
    classes = cfg.model.cls_head.num_classes
    assert sample.pred_score.shape == (classes, )
    assert torch.isfinite(sample.pred_score).all()
    # The list may have every label that the head knows, and no other one;
    # the generated set always has 16.
    assert cfg.train_dataloader.dataset.get('num_classes', 16) == classes


@pytest.mark.parametrize('name', CONFIGS)
def test_rates_fall_within_the_training(name, repo_root):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    epochs = cfg.train_cfg.max_epochs
    scheduler, = cfg.param_scheduler
    if scheduler.type == 'CosineAnnealingLR':
        assert scheduler.T_max == epochs
    else:
        assert scheduler.end == epochs
        assert max(scheduler.milestones) < epochs
    # The last epoch, which is tested, is validated too.
    assert epochs % cfg.train_cfg.val_interval == 0


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_spatial_stream(data_set, repo_root):
    """Sec. 3.2: ResNet-152 on single frames, from ImageNet weights."""
    cfg = Config.fromfile(repo_root / 'configs' / f'tsn_r152_{data_set}.py')
    assert cfg.model.type == 'Recognizer2D'
    assert cfg.model.backbone.depth == 152
    assert cfg.model.backbone.pretrained == 'torchvision://resnet152'
    for name, num_clips in (('train', 3), ('val', 3), ('test', 25)):
        pipeline = cfg[f'{name}_dataloader'].dataset.pipeline
        sampling, = (step for step in pipeline
                     if step.type == 'SampleFrames')
        assert sampling.num_clips == num_clips
        kept = [step.frames for step in pipeline if step.type == 'TakeFrames']
        # One frame of each clip, whatever the length of the clip is.
        assert sampling.clip_len == 1 or (len(kept) == 1
                                          and isinstance(kept[0], int))
