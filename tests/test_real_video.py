# SPDX-License-Identifier: Apache-2.0
"""Real clips, where they are at hand; generated ones serve the other tests."""
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config


@pytest.fixture(scope='module')
def subset(repo_root, ucf101_subset):
    """Data settings of the five classes, at the folder of the real clips."""
    cfg = Config.fromfile(
        repo_root / 'configs' / 'uftsn_r18_ucf101_subset.py')
    for loader, split in ((cfg.train_dataloader, 'train'),
                          (cfg.val_dataloader, 'test')):
        loader.dataset.ann_file = str(ucf101_subset / f'{split}.txt')
        loader.dataset.data_prefix = dict(
            video=str(ucf101_subset / 'videos'))
    return cfg


def test_shipped_pipelines_read_the_clips(subset):
    train = DATASETS.build(subset.train_dataloader.dataset)
    val = DATASETS.build(subset.val_dataloader.dataset)
    assert len(train) > len(val) > 0
    labels = {val.get_data_info(i)['label'] for i in range(len(val))}
    assert labels == set(range(5))
    for dataset, num_clips in ((train, 1), (val, 3)):
        clips = dataset[0]['inputs']
        assert clips.shape == (num_clips, 3, subset.clip_len, 96, 96)
        assert clips.dtype == torch.uint8 and clips.max() > 100


def test_the_loss_prefers_real_motion_to_none(subset):
    """Eq. 9 must be lower for a good flow than for zero flow."""
    val = DATASETS.build(subset.val_dataloader.dataset)
    jumping = next(
        index for index in range(len(val))
        if val.get_data_info(index)['label'] == 2)
    clip = val[jumping]['inputs'][:1].float() / 255
    flow = MODELS.build(dict(type='TVL1FlowEstimator'))(clip)
    flow = flow if isinstance(flow, torch.Tensor) else flow[0]
    assert flow.abs().max() > 1

    def loss(of_flow):
        return sum(
            sum(module([of_flow], clip).values()) for module in (
                MODELS.build(dict(type='PhotometricLoss', level_weights=[1])),
                MODELS.build(dict(type='SmoothnessLoss', level_weights=[1]))))

    assert loss(flow) < 0.9 * loss(torch.zeros_like(flow))
