# SPDX-License-Identifier: Apache-2.0
"""The shipped config and the fragment of the page train and fit together."""
import re

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.runner import Runner

CONFIG = 'uftsn_tvl1_cached_ucf101_subset'


@pytest.fixture
def config(repo_root, tmp_path):
    """The shipped config, with a cache of its own."""
    cfg = Config.fromfile(repo_root / 'configs' / f'{CONFIG}.py')
    for loader in loaders(cfg):
        step, = (step for step in loader.dataset.pipeline
                 if step['type'] == 'CachedFlow')
        step.cache_dir = str(tmp_path / 'cache')
    return cfg


def loaders(cfg):
    return cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader


def test_config_trains_and_tests(config, one_batch, tmp_path):
    model = MODELS.build(config.model)
    model.init_weights()

    class Holder:
        """Stand-in of a runner for ``Runner.build_optim_wrapper``."""

    Holder.model = model
    optim_wrapper = Runner.build_optim_wrapper(Holder(), config.optim_wrapper)
    model.train()
    before = {k: v.clone() for k, v in model.named_parameters()}
    data = one_batch(config.train_dataloader, 'train', num_clips=1)
    assert data['inputs'][0].shape == (1, 2, 5, 64, 64)  # shrunk from 96
    losses = model.train_step(data, optim_wrapper)
    assert losses['loss_cls'] > 0 and torch.isfinite(losses['loss_cls'])
    assert losses['flow_norm'] > 0.1
    for name, value in model.named_parameters():
        assert not torch.equal(value, before[name]), name
    assert optim_wrapper.get_lr()['lr'] == [5e-4] * len(before)
    assert list((tmp_path / 'cache').rglob('*.flow'))

    model.eval()
    sample, = model.test_step(
        one_batch(config.test_dataloader, 'test', num_clips=2))
    assert sample.pred_score.shape == (5, )
    assert torch.isfinite(sample.pred_score).all()


def test_config_sees_what_the_live_config_sees(config, repo_root):
    live = Config.fromfile(
        repo_root / 'configs' / 'uftsn_r18_ucf101_subset_control.py')
    stock = dict(
        FlipFlow=lambda step: dict(step, type='Flip'),
        FormatFlow=lambda step: dict(
            type='FormatShape', input_format='NCTHW'))
    for ours, theirs in zip(loaders(config), loaders(live)):
        found = [
            stock.get(step['type'], dict)(step)
            for step in ours.dataset.pipeline if step['type'] != 'CachedFlow'
        ]
        assert found == [dict(step) for step in theirs.dataset.pipeline]
    for key, value in config.model.items():
        if key not in ('type', 'cls_head'):
            assert value == live.model[key], key
    assert config.train_cfg.max_epochs == live.train_cfg.max_epochs


def test_fragment_of_the_page_builds_and_fits_together(
        repo_root, generated_videos, tmp_cwd):
    page = (repo_root / 'docs' / 'cached_flow.md').read_text(encoding='utf-8')
    block, _ = re.findall(r'^```python\n(.*?)^```', page, re.M | re.S)
    (tmp_cwd / 'fragment.py').write_text(block)
    cfg = Config.fromfile('fragment.py')
    for step in cfg.train_pipeline:
        if step['type'] == 'Resize':
            step.scale = (-1, 48)  # TV-L1 takes its time
    dataset = DATASETS.build(
        dict(
            type='CheckedVideoDataset',
            ann_file=str(generated_videos / 'two_train.txt'),
            data_prefix=dict(video=str(generated_videos / 'videos')),
            pipeline=cfg.train_pipeline))
    model = MODELS.build(cfg.model)
    inputs = torch.stack([dataset[0]['inputs']])
    assert inputs.shape == (1, 1, 2, 9, 224, 224)
    assert model.extract_feat(inputs)[0].shape == (1, 512, 7, 7)
    files = [path for path in tmp_cwd.rglob('*.flow')]
    assert files and (tmp_cwd / 'data/flow_cache') in files[0].parents
