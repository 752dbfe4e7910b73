# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from uftsn_mmaction.datasets import SyntheticMotionDataset


def _dataset(root, settings, *extra, **sampling):
    sampling = dict(out_of_bound_opt='repeat_last', **sampling)
    return SyntheticMotionDataset(
        root, [
            dict(type='DecordInit'),
            dict(type='SampleFrames', **sampling),
            dict(type='DecordDecode'), *extra,
            dict(type='LoadGroundTruthFlow'),
            dict(type='FormatShape', input_format='NCTHW'),
            dict(type='PackActionInputs', algorithm_keys=('gt_flow', ))
        ],
        generator=settings,
        max_refetch=0)


def test_flow_belongs_to_the_frames_of_a_random_start(motion_root, settings,
                                                      warp_error):
    dataset = _dataset(motion_root, settings, clip_len=3, num_clips=2)
    np.random.seed(0)
    shifted = []
    for index in range(16):
        sample = dataset[index]
        flow = sample['data_samples'].gt_flow
        assert isinstance(flow, torch.Tensor) and flow.dtype == torch.float32
        assert flow.shape == (2, 2, 2, 64, 64)  # clips, u v, pairs, H, W
        for clip, clip_flow in zip(sample['inputs'], flow):
            frames = clip.permute(1, 2, 3, 0).numpy()
            pairs = clip_flow.transpose(0, 1).numpy()
            with_flow, without = warp_error(frames, pairs)
            assert with_flow < 0.6 * without
            # The flow of the opposite direction would not do.
            shifted.append(warp_error(frames, -pairs)[0] > without)
    assert all(shifted)


def test_starts_follow_the_frames(motion_root, settings):
    dataset = _dataset(
        motion_root, settings, clip_len=2, num_clips=7, test_mode=True)
    info = dataset.get_data_info(12)  # a zoom: its flow changes with time
    with np.load(info['flow_file']) as archive:
        expected = archive['flow'].astype(np.float32)
    assert np.any(expected[0] != expected[1])
    flow = dataset[12]['data_samples'].gt_flow
    # 7 clips of 2 frames out of 8 frames start at every frame but the last.
    np.testing.assert_array_equal(flow[:, :, 0].numpy(), expected)


def test_repeated_last_frame_has_zero_flow(motion_root, settings):
    dataset = _dataset(motion_root, settings, clip_len=10)
    sample = dataset[0]
    flow, clip = sample['data_samples'].gt_flow[0], sample['inputs'][0]
    assert torch.equal(clip[:, 7], clip[:, 9])
    assert flow.shape[1] == 9
    assert torch.all(flow[:, 7:] == 0)
    assert flow[:, 6].abs().mean() > 0.1


@pytest.mark.parametrize('sampling, extra, word', [
    (dict(clip_len=3, frame_interval=2), (), 'frame_interval=1'),
    (dict(clip_len=1), (), 'clip_len is 1'),
    (dict(clip_len=3), (dict(type='Resize', scale=(32, 32)), ),
     r'\(32, 32\).*\(64, 64\)'),
    (dict(clip_len=3), (dict(type='Flip', flip_ratio=1), ), 'flipped'),
    (dict(clip_len=3), (dict(type='CenterCrop', crop_size=32),
                        dict(type='Resize', scale=(64, 64))), 'cropped'),
])
def test_frames_without_exact_flow_are_refused(motion_root, settings, sampling,
                                               extra, word):
    # Training must not take this for a broken video and go on.
    dataset = _dataset(motion_root, settings, *extra, **sampling)
    with pytest.raises(ValueError, match=word):
        dataset[0]


def test_a_jump_back_to_the_start_is_refused(motion_root, settings):
    dataset = _dataset(motion_root, settings, clip_len=10)
    dataset.pipeline.transforms[1].out_of_bound_opt = 'loop'
    with pytest.raises(ValueError, match='repeat_last'):
        dataset[0]


def test_missing_flow_file_is_named(motion_root, settings):
    transform = _dataset(
        motion_root, settings, clip_len=3).pipeline.transforms[3]
    results = dict(
        clip_len=2,
        frame_inds=np.array([0, 1]),
        flow_file='nowhere/00000.npz',
        img_shape=(64, 64))
    with pytest.raises(FileNotFoundError, match='nowhere/00000.npz'):
        transform(results)
