# SPDX-License-Identifier: Apache-2.0
"""One source: what is known of it, and its frames at any size."""
import numpy as np
import pytest

from uftsn_mmaction.apis.source import Source, resize_short_side


def test_a_video_file(kinds_of_video):
    source = Source(str(kinds_of_video[0] / 'rotated_90.mp4'), 'a')
    assert (source.num_frames, source.rate, source.is_live) == (12, 10, False)
    frames = list(source.frames(stride=5, size=32))
    assert [frame.image.shape for frame in frames] == [(48, 32, 3)] * 3
    # A second time, from the second on.
    later = list(source.frames(stride=5, size=32, start=1))
    assert len(later) == 2
    np.testing.assert_array_equal(later[0].image, frames[1].image)


def test_an_array_and_its_time():
    clip = np.arange(6, dtype=np.uint8)[:, None, None, None].repeat(3, -1)
    source = Source(clip, 'frames')
    frames = list(source.frames(stride=2, start=1))
    assert [frame.image[0, 0, 0] for frame in frames] == [2, 4]
    assert [frame.time for frame in frames] == pytest.approx([2 / 25, 4 / 25])
    assert source.path is None and source.num_frames == 6


def test_cameras_and_addresses_are_live():
    assert Source(0, 'camera_0').is_live
    address = Source('rtsp://host/stream', 'stream')
    assert address.is_live and address.path is None
    assert address.num_frames is None


@pytest.mark.parametrize('name', ['pipe.mp4', 'device.mp4', 'folder.mp4',
                                  'loop.mp4', 'dangling.mp4', 'socket.mp4'])
def test_nothing_waits_for_what_is_no_file(kinds_of_video, name):
    source = Source(str(kinds_of_video[0] / name), 'a')
    with pytest.raises(ValueError, match=f"{name}' cannot be opened"):
        list(source.frames())


def test_resize_keeps_the_shape():
    image = np.zeros((100, 200, 3), np.uint8)
    assert resize_short_side(image, None) is image
    assert resize_short_side(image, 100) is image
    assert resize_short_side(image, 50).shape == (50, 100, 3)
    assert resize_short_side(image.transpose(1, 0, 2), 150).shape == (
        300, 150, 3)
