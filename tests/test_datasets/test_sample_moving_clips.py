# SPDX-License-Identifier: Apache-2.0
"""Strides at which clips move, on clips of known motion."""
import cv2
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from uftsn_mmaction.datasets import SampleMovingClips
from uftsn_mmaction.datasets.transforms.sample_moving_clips import (
    motion_between,
)


class Frames:
    """A video in memory, as decord presents one."""

    def __init__(self, frames):
        self.frames = np.stack(frames)

    def get_batch(self, indices):
        assert max(indices) < len(self.frames)
        self.asnumpy = lambda: self.frames[indices]
        return self


def texture(seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (128, 192, 3),
                                                 np.uint8)
    blurred = cv2.GaussianBlur(noise, None, 4).astype(float)
    low, high = blurred.min(), blurred.max()
    return ((blurred - low) / (high - low) * 255).astype(np.uint8)


def moving(speed, number=20):
    """A texture that goes to the right, in pixels of 128 a frame."""
    return [np.roll(texture(), round(speed * index), 1)
            for index in range(number)]


def sample(frames, **kwargs):
    results = dict(video_reader=Frames(frames), total_frames=len(frames))
    transform = SampleMovingClips(**kwargs)
    found = transform(results)
    # The decoder of the pipeline still finds the video open.
    assert found['video_reader'] is results['video_reader'] is not None
    return found


@pytest.mark.parametrize('speed, stride', [(4, 1), (1, 2), (0.5, 4), (0, 8)])
def test_slow_motion_gets_a_large_stride(speed, stride):
    found = sample(moving(speed), clip_len=3, num_clips=2, test_mode=True)
    assert found['num_clips'] == 2 and found['clip_len'] == 3
    clips = found['frame_inds'].reshape(2, 3)
    assert clips[0, 0] < clips[1, 0]
    strides = np.diff(clips)
    assert (strides == strides[:, :1]).all()
    assert found['frame_interval'] == strides[:, 0].tolist()
    if speed:
        assert (strides == stride).all()


def test_the_same_motion_in_half_the_pixels_needs_twice_the_stride():
    frames = [cv2.resize(frame, (96, 64), interpolation=cv2.INTER_AREA)
              for frame in moving(1)]
    assert sample(frames, test_mode=True)['frame_interval'] == [2]
    assert sample(frames, test_mode=True, size=64)['frame_interval'] == [4]


def test_a_part_that_moves_is_found():
    still = [texture()] * 20
    found = sum(
        sample(still + moving(4, 12))['frame_inds'][-1] > 20
        for _ in range(40))
    # A random clip gets there in 23 of 40 cases, one of three in 37.
    assert found >= 33


@pytest.mark.parametrize('number', [2, 3, 5])
def test_a_short_video_keeps_to_its_frames(number):
    for test_mode in (False, True):
        indices = sample(moving(0, number), clip_len=3, num_clips=3,
                         test_mode=test_mode)['frame_inds']
        assert indices.shape == (9, )
        assert indices.min() >= 0 and indices.max() < number


def grey(frame):
    return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (96, 64))


@pytest.mark.parametrize('second', [
    texture(1),
    np.random.default_rng(1).integers(0, 256, (128, 192, 3), np.uint8),
], ids=['cut', 'noise'])
def test_what_is_no_motion_does_not_count(second):
    assert motion_between(grey(texture()), grey(second)) == 0


def test_more_contrast_is_no_more_motion():
    first, second = (grey(frame) for frame in moving(2, 2))
    strong = motion_between(first, second)
    weak = motion_between(first // 4, second // 4)
    assert strong == pytest.approx(1, abs=0.3)
    assert weak == pytest.approx(strong, abs=0.3)


@pytest.mark.parametrize('strides', [(), (0, 1), (2, 1), (1, 1)])
def test_strides_that_do_not_rise_are_refused(strides):
    with pytest.raises(ValueError, match='strides of SampleMovingClips'):
        TRANSFORMS.build(dict(type='SampleMovingClips', strides=strides))
