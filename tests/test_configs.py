# SPDX-License-Identifier: Apache-2.0
"""Every shipped config builds and takes a train and a test step."""
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from uftsn_mmaction.datasets import SyntheticMotionDataset
from uftsn_mmaction.engine.stage import build_stages

CONFIGS = ('uftsn_quickstart', 'uftsn_r18_ucf101', 'uftsn_r18_ucf101_subset',
           'uftsn_r18_ucf101_subset_224', 'uftsn_r18_ucf101_subset_control')
THREE_STAGES = CONFIGS[:-1]


def test_every_config_is_listed(repo_root):
    """A config that this file does not know would go untested."""
    shipped = {path.stem for path in (repo_root / 'configs').glob('*.py')}
    assert shipped == set(CONFIGS)


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """A generated set; its lists serve any config of a video data set."""
    root = tmp_path_factory.mktemp('videos')
    generator = dict(num_train=16, num_test=16, size=(64, 64), num_frames=12)
    SyntheticMotionDataset(data_root=str(root), pipeline=[],
                           generator=generator)
    for split in ('train', 'test'):
        # Two videos, whose labels 0 and 1 any number of classes holds.
        lines = (root / f'{split}.txt').read_text().splitlines()
        files = [line.split()[0] for line in lines[:2]]
        (root / f'two_{split}.txt').write_text(
            ''.join(f'{file} {label}\n' for label, file in enumerate(files)))
    return root


def one_batch(loader, split, videos, num_clips):
    """One sample through the pipeline of a config."""
    dataset = loader.dataset
    for transform in dataset.pipeline:
        if transform['type'] == 'SampleFrames':
            transform['num_clips'] = min(
                transform.get('num_clips', 1), num_clips)
    if dataset.type == 'SyntheticMotionDataset':
        dataset.data_root = str(videos)
        dataset.generator = dict(
            num_train=16, num_test=16, size=(64, 64), num_frames=12)
    else:
        dataset.ann_file = str(videos / f'two_{split}.txt')
        dataset.data_prefix = dict(video=str(videos / 'videos'))
    built = DATASETS.build(dataset)
    return pseudo_collate([built[0]])


@pytest.mark.parametrize('name', CONFIGS)
def test_train_and_test_step(name, repo_root, videos):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    # No download in a test; the rest of the model is as shipped.
    cfg.model.backbone.pretrained = None
    model = MODELS.build(cfg.model)
    model.init_weights()
    hook, = (hook for hook in cfg.custom_hooks
             if hook['type'] == 'StagedTrainingHook')
    optim_wrapper = Runner.build_optim_wrapper(
        _ModelHolder(model), cfg.optim_wrapper)
    batch = one_batch(cfg.train_dataloader, 'train', videos, num_clips=1)
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
        one_batch(cfg.test_dataloader, 'test', videos, num_clips=2))
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


def test_the_papers_protocol(repo_root):
    """Sec. 3.2: 10 frames, 3 segments, 224x224, ResNet-18, 25 samples."""
    cfg = Config.fromfile(repo_root / 'configs' / 'uftsn_r18_ucf101.py')

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
