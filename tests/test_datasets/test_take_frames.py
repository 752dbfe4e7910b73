# SPDX-License-Identifier: Apache-2.0
"""Fewer frames decoded, the same frames seen."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from uftsn_mmaction.datasets.motion.video_writer import write_video

NUM_FRAMES = 9


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Path of a video whose frames are told apart by their brightness."""
    path = str(tmp_path_factory.mktemp('video') / 'a.avi')
    levels = np.arange(NUM_FRAMES, dtype=np.uint8)[:, None, None, None]
    write_video(path, np.tile(20 * levels + 10, (1, 32, 40, 3)))
    return path


def decode(video, *between, clip_len=4, num_clips=2, **sampling):
    """Results of a test pipeline up to the images as decoded."""
    pipeline = Compose([
        dict(type='DecordInit'),
        dict(
            type='SampleFrames',
            clip_len=clip_len,
            num_clips=num_clips,
            test_mode=True,
            **sampling), *between,
        dict(type='DecordDecode')
    ])
    return pipeline(
        dict(filename=video, label=0, start_index=0, modality='RGB'))


@pytest.mark.parametrize('sampling', [
    dict(),
    dict(clip_len=3, num_clips=1),
    dict(num_clips=3, twice_sample=True),
    dict(clip_len=12, num_clips=2, out_of_bound_opt='repeat_last'),
])
@pytest.mark.parametrize('frames, kept', [
    (1, [1]),
    (-1, [-1]),
    ([2, 0], [2, 0]),
    ((0, -2, 1), [0, -2, 1]),
    ([1, 1], [1, 1]),
])
def test_equals_decoding_whole_clips_and_picking(video, sampling, frames,
                                                 kept):
    whole = decode(video, **sampling)
    clips = np.stack(whole['imgs']).reshape(
        -1, whole['clip_len'], 32, 40, 3)
    # The last frames differ from the first, or any pick would do.
    assert not np.array_equal(clips[:, 0], clips[:, -1])
    taken = decode(
        video, dict(type='TakeFrames', frames=frames), **sampling)
    assert taken['clip_len'] == len(kept)
    assert taken['num_clips'] == whole['num_clips']
    np.testing.assert_array_equal(
        np.stack(taken['imgs']).reshape(-1, len(kept), 32, 40, 3),
        clips[:, kept])


def test_format_shape_makes_images_and_clips_of_them(video):
    steps = [dict(type='TakeFrames', frames=[3, 1])]
    for layout, shape in (('NCHW', (4, 3, 32, 40)),
                          ('NCTHW', (2, 3, 2, 32, 40))):
        results = decode(video, *steps)
        results = TRANSFORMS.build(
            dict(type='FormatShape', input_format=layout))(results)
        assert results['imgs'].shape == shape


def test_a_list_is_left_as_it_was(video):
    frames = [-1, 0]
    transform = TRANSFORMS.build(dict(type='TakeFrames', frames=frames))
    for _ in range(2):
        results = transform(dict(frame_inds=np.arange(6), clip_len=3))
        assert results['frame_inds'].tolist() == [2, 0, 5, 3]
    assert frames == [-1, 0]


def test_repr_is_the_call():
    transform = TRANSFORMS.build(dict(type='TakeFrames', frames=[0, -1]))
    assert repr(transform) == 'TakeFrames(frames=[0, -1])'


@pytest.mark.parametrize('frames, words', [
    (4, r' 4.*\(0 to 3\)'),
    (-5, ' -5'),
    ([0, 7, 9], ' 7'),
    ([], 'empty'),
])
def test_frames_that_the_clips_lack(video, frames, words):
    with pytest.raises(ValueError, match=words) as caught:
        decode(video, dict(type='TakeFrames', frames=frames))
    assert str(caught.value).startswith('frames of TakeFrames ')
