# SPDX-License-Identifier: Apache-2.0
"""Every config of a motion stream builds and takes a step of each kind."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner

from uftsn_mmaction.engine.hooks.stage import build_stages

CONFIGS = ('uftsn_quickstart', 'uftsn_r18_ucf101', 'uftsn_r18_hmdb51',
           'uftsn_r18_kinetics400', 'uftsn_r18_ucf101_subset',
           'uftsn_r18_ucf101_subset_224', 'uftsn_r18_ucf101_subset_control',
           'uftsn_dis_r18_quickstart')
THREE_STAGES = CONFIGS[:-2]

# Which file of tests knows all configs of a type; splits have their own.
TESTED_IN = dict(
    UFTSNRecognizer='test_configs.py',
    Recognizer2D='test_spatial_configs.py',
    FusionRecognizer='test_fusion_configs.py',
    CachedFlowRecognizer='test_datasets/test_cached_flow/test_config.py')


def test_every_config_is_listed(repo_root):
    """A config that no file of tests names would go untested."""
    folder = repo_root / 'configs'
    for path in folder.rglob('*.py'):
        if path.parent == folder:
            kind = Config.fromfile(path).model.type
            tests = repo_root / 'tests' / TESTED_IN[kind]
            assert f"'{path.stem}'" in tests.read_text(), path
        else:
            assert path.parts[len(folder.parts)] in (
                '_base_', 'ablations', 'other_flows', 'splits'), path


@pytest.mark.parametrize('name', CONFIGS)
def test_train_and_test_step(name, repo_root, one_batch):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    # No download in a test; the rest of the model is as shipped.
    cfg.model.backbone.pop('init_cfg', None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    hook, = (hook for hook in cfg.custom_hooks
             if hook['type'] == 'StagedTrainingHook')
    optim_wrapper = Runner.build_optim_wrapper(
        _ModelHolder(model), cfg.optim_wrapper)
    batch = one_batch(cfg.train_dataloader, 'train', num_clips=1)
    model.train()
    for stage in build_stages(hook['stages'])[:2]:
        train = [part for part in stage.train if part in model.parts]
        model.set_stage(train, stage.losses)
        before = {k: v.clone() for k, v in model.named_parameters()}
        losses = model.train_step(batch, optim_wrapper)
        assert all(torch.isfinite(loss).all() for loss in losses.values())
        moved = {
            name.split('.')[0]
            for name, value in model.named_parameters()
            if not torch.equal(value, before[name])
        }
        assert moved == set(train)

    model.eval()
    samples = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=2))
    for sample in samples:
        assert sample.pred_score.shape == (cfg.model.cls_head.num_classes, )
        assert torch.isfinite(sample.pred_score).all()


class _ModelHolder:
    """What ``Runner.build_optim_wrapper`` needs of a runner."""

    def __init__(self, model):
        self.model = model


@pytest.mark.parametrize('name', THREE_STAGES)
def test_stages_fit_into_the_training(name, repo_root):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    hook, = (hook for hook in cfg.custom_hooks
             if hook['type'] == 'StagedTrainingHook')
    stages = build_stages(hook['stages'])
    assert [stage.name for stage in stages] == ['flow', 'classifier', 'joint']
    assert stages[-1].begin < cfg.train_cfg.max_epochs
    assert cfg.find_unused_parameters


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_protocol(data_set, repo_root):
    """Sec. 3.2: 10 frames, 3 segments, 224x224, ResNet-18, 25 samples."""
    cfg = Config.fromfile(repo_root / 'configs' / f'uftsn_r18_{data_set}.py')

    def sampling(loader):
        step, = (step for step in loader.dataset.pipeline
                 if step['type'] == 'SampleFrames')
        return step['clip_len'], step['num_clips']

    assert sampling(cfg.train_dataloader) == (10, 3)
    assert sampling(cfg.test_dataloader) == (10, 25)
    assert cfg.model.backbone.depth == 18
    photometric, smoothness = (cfg.model.photometric_loss,
                               cfg.model.smoothness_loss)
    assert (photometric.difference_weight, photometric.census_weight,
            smoothness.weight) == (0.2, 1.0, 50.0)
    types = [step['type'] for step in cfg.test_dataloader.dataset.pipeline]
    assert not {'Flip', 'RandomCrop', 'MultiScaleCrop'} & set(types)
