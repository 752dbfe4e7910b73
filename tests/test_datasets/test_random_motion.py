# SPDX-License-Identifier: Apache-2.0
"""Random pairs as a data set of MMEngine's runner."""
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.runner import Runner

from uftsn_mmaction.datasets import RandomMotionDataset

PIPELINE = [
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', algorithm_keys=(
        'gt_flow', 'gt_flow_back', 'gt_visible', 'gt_visible_back'))
]
SMALL = dict(length=6, size=(32, 40))


def build(**kwargs):
    return DATASETS.build(dict(type='RandomMotionDataset', **SMALL, **kwargs))


def same(one, other):
    return (all(map(np.array_equal, one['imgs'], other['imgs']))
            and torch.equal(one['gt_flow'], other['gt_flow']))


def test_a_sample_is_as_said():
    sample = build()[2]
    assert len(sample['imgs']) == 2
    for frame in sample['imgs']:
        assert frame.dtype == np.uint8 and frame.shape == (32, 40, 3)
    for key in ('gt_flow', 'gt_flow_back'):
        assert sample[key].dtype == torch.float32
        assert sample[key].shape == (1, 2, 1, 32, 40)
    for key in ('gt_visible', 'gt_visible_back'):
        assert sample[key].shape == (1, 1, 1, 32, 40)
        assert set(sample[key].unique().tolist()) <= {0., 1.}
    assert sample['img_shape'] == sample['original_shape'] == (32, 40)
    assert (sample['num_clips'], sample['clip_len'], sample['label']) == (
        1, 2, 0)


def test_masks_and_flows_belong_to_their_frames():
    """A shift by whole pixels, checked by slices."""
    scene = dict(objects=0, still_background=0, deformation=0, strong=0,
                 perspective=0, wobble=0, noise=0, asymmetric=0, blur=0,
                 motion_blur=0, shading=0, translation=8,
                 translation_spread=0)
    sample = build(split='val', scene=scene)[0]
    u, v = sample['gt_flow'][0, :, 0, 0, 0].tolist()
    torch.testing.assert_close(
        sample['gt_flow'], -sample['gt_flow_back'], atol=1e-4, rtol=0)
    assert abs(np.hypot(u, v) - 8) < 1e-4
    kept = (40 - abs(u)) * (32 - abs(v)) / (40 * 32)
    for key in ('gt_visible', 'gt_visible_back'):
        assert abs(sample[key].mean() - kept) < 0.06
    # What moves to the right is seen on the left of frame 1.
    column = 0 if u > 0 else -1
    row = 0 if v > 0 else -1
    assert sample['gt_visible'][0, 0, 0, row, column] == 1
    assert sample['gt_visible_back'][0, 0, 0, row, column] == 0


def test_validation_pairs_follow_from_seed_and_index():
    one, other = build(split='val'), build(test_mode=True)
    samples = [one[i] for i in range(6)]
    np.random.seed(5)
    torch.manual_seed(5)
    assert all(same(samples[i], other[i]) for i in (4, 0, 5))
    assert not same(samples[0], samples[1])
    assert not same(samples[0], build(split='val', seed=1)[0])
    longer = RandomMotionDataset(length=9, size=(32, 40), split='val')
    assert same(longer[3], samples[3])


def test_training_pairs_follow_from_the_random_numbers():
    dataset = build()
    np.random.seed(1)
    first, second = dataset[0], dataset[0]
    np.random.seed(1)
    torch.manual_seed(2)  # another epoch, so another pool of textures
    again = build()[0]
    assert same(first, again)
    assert not same(first, second)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_stock_pipeline_in_a_loader_of_the_runner(num_workers):
    loader = Runner.build_dataloader(
        dict(
            dataset=dict(type='RandomMotionDataset', pipeline=PIPELINE,
                         **SMALL),
            batch_size=2,
            num_workers=num_workers,
            sampler=dict(type='DefaultSampler', shuffle=True)),
        seed=0)
    batches = list(loader)
    assert len(batches) == 3
    clips = torch.stack([clip for b in batches for clip in b['inputs']])
    assert clips.shape == (6, 1, 3, 2, 32, 40) and clips.dtype == torch.uint8
    assert len(clips.unique(dim=0)) == 6
    sample = batches[0]['data_samples'][0]
    assert sample.gt_flow.shape == sample.gt_flow_back.shape == (
        1, 2, 1, 32, 40)
    assert sample.gt_visible.shape == (1, 1, 1, 32, 40)


def digest(results):
    """Three numbers that tell a pair, as the model of the tiny runner asks."""
    frames = torch.tensor(np.array(results['imgs'])).float()
    return dict(
        index=results['sample_idx'],
        inputs=torch.stack([*frames.std((1, 2, 3)),
                            results['gt_flow'].std()]))


@pytest.mark.parametrize('num_workers', [0, 1])
def test_a_resumed_run_sees_the_pairs_of_one_run(tiny_runner, tmp_path,
                                                 num_workers):
    scene = dict(pool=3, renewal=0.2)  # outlives an epoch of six pairs

    def pairs(folder, epochs, **kwargs):
        runner = tiny_runner(
            tmp_path / folder, epochs,
            loader=dict(
                dataset=RandomMotionDataset(
                    pipeline=[digest], scene=scene, **SMALL),
                num_workers=num_workers),
            custom_hooks=[dict(type='EpochSeedHook')], **kwargs)
        runner.train()
        return [step[:2] for step in runner.model.seen]

    whole = pairs('a', 3)
    pairs('b', 2)
    assert pairs('b', 3, resume=True) == whole[6:]
    # Each epoch has new pairs.
    drawn = [tuple(pair) for _, inputs in whole for pair in inputs]
    assert len(set(drawn)) == 18


@pytest.mark.parametrize('bad', [
    dict(length=0), dict(split='test'), dict(seed=-1), dict(size=(16, 64)),
    dict(scene=dict(fog=1))])
def test_bad_settings_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RandomMotionDataset(**{**SMALL, **bad})
