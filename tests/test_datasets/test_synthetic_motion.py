# SPDX-License-Identifier: Apache-2.0
import os.path as osp

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner

from uftsn_mmaction.datasets import SyntheticMotionDataset
from uftsn_mmaction.datasets.motion.generator import render_clip
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings

CONFIG = osp.join(
    osp.dirname(__file__),
    '../../configs/_base_/datasets/synthetic_motion.py')


def _pipeline(*extra, clip_len=8):
    return [
        dict(type='DecordInit'),
        dict(
            type='SampleFrames',
            clip_len=clip_len,
            out_of_bound_opt='repeat_last',
            test_mode=True),
        dict(type='DecordDecode'), *extra,
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs')
    ]


def test_stock_pipeline_delivers_the_rendered_frames(motion_root, settings):
    dataset = DATASETS.build(
        dict(
            type='SyntheticMotionDataset',
            data_root=motion_root,
            split='test',
            generator=settings,
            pipeline=_pipeline(),
            test_mode=True))
    assert len(dataset) == 16 and len(dataset.metainfo['classes']) == 16
    for index in (3, 12):
        sample = dataset[index]
        clip = render_clip(MotionSetSettings(**settings), 'test', index)
        # (M, 3, T, H, W) against (T, H, W, 3)
        np.testing.assert_array_equal(sample['inputs'][0].numpy(),
                                      clip.frames.transpose(3, 0, 1, 2))
        assert sample['data_samples'].gt_label.item() == clip.label


def test_samples_carry_flow_file_and_both_labels(motion_root, settings):
    dataset = SyntheticMotionDataset(
        motion_root, [], generator=settings, indices=20)
    assert len(dataset) == 20
    for index in (0, 5, 19):
        info = dataset.get_data_info(index)
        assert osp.basename(
            info['flow_file'])[:5] == osp.basename(info['filename'])[:5]
        assert osp.exists(info['flow_file'])
        assert info['label'] == (2 * info['motion_label'] +
                                 info['appearance_label'])
        assert info['label'] == index % 16


def test_missing_set_is_generated_at_first_use(tmp_path):
    generator = dict(num_train=1, num_test=1, size=(32, 56), num_frames=3)
    dataset = SyntheticMotionDataset(
        str(tmp_path / 'new'),
        _pipeline(dict(type='Resize', scale=(28, 16)), clip_len=3),
        generator=generator,
        lazy_init=True)
    assert not (tmp_path / 'new').exists()
    assert dataset[0]['inputs'].shape == (1, 3, 3, 16, 28)
    assert (tmp_path / 'new' / 'settings.json').exists()


def test_mistakes_are_named(motion_root, settings):
    with pytest.raises(ValueError, match="split .*'val'"):
        SyntheticMotionDataset(motion_root, [], split='val')
    with pytest.raises(ValueError, match='num_frames 8 .*6'):
        SyntheticMotionDataset(
            motion_root, [], generator={**settings, 'num_frames': 6})


def test_base_config_feeds_a_runner(motion_root, settings):
    config = Config.fromfile(CONFIG)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = config[name]
        loader.dataset.data_root = motion_root
        loader.dataset.generator = settings
        loader.batch_size = 4
        loader.num_workers = 1
        loader.dataset['_scope_'] = 'mmaction'
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        shapes = {tuple(clip.shape) for clip in batch['inputs']}
        assert shapes == {(1, 3, config.clip_len, 64, 64)}
        if name != 'train_dataloader':
            flow = batch['data_samples'][0].gt_flow
            assert isinstance(flow, torch.Tensor)
            assert flow.shape == (1, 2, config.clip_len - 1, 64, 64)
