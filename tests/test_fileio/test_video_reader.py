# SPDX-License-Identifier: Apache-2.0
"""Frames of videos that a phone or a stranger makes."""
import cv2
import numpy as np
import pytest

from uftsn_mmaction.fileio.video_reader import (
    DEFAULT_RATE,
    open_capture,
    read_frames,
    read_pictures,
    read_rate,
)


def frames_of(path, **kwargs):
    capture = open_capture(str(path))
    return list(read_frames(capture, read_rate(capture), **kwargs))


def test_turns_as_the_header_asks(kinds_of_video):
    folder, _ = kinds_of_video
    upright = frames_of(folder / 'mpeg4.mp4')
    for degrees, turns in ((90, -1), (180, 2), (270, 1)):
        turned = frames_of(folder / f'rotated_{degrees}.mp4')
        assert len(turned) == len(upright) == 12
        for frame, before in zip(turned, upright):
            np.testing.assert_array_equal(frame.image,
                                          np.rot90(before.image, turns))


def test_times_of_a_variable_rate(kinds_of_video):
    times = [frame.time for frame in frames_of(
        kinds_of_video[0] / 'variable_rate.mp4')]
    assert times == pytest.approx(
        [*np.arange(7) * 0.05, *0.3 + np.arange(1, 6) * 0.15])


@pytest.mark.parametrize('stride, start', [(1, 0), (3, 0), (3, 2), (1, 11)])
def test_stride_and_start_choose_frames(kinds_of_video, stride, start):
    path = kinds_of_video[0] / 'ffv1.mkv'
    every = frames_of(path)
    kept = frames_of(path, stride=stride, start=start)
    assert [frame.time for frame in kept] == [
        frame.time for frame in every[start * stride::stride]]
    for frame, same in zip(kept, every[start * stride::stride]):
        np.testing.assert_array_equal(frame.image, same.image)


def test_odd_sizes_and_depths_are_8_bit_rgb(kinds_of_video):
    folder, _ = kinds_of_video
    assert frames_of(folder / 'odd_size.avi')[0].image.shape == (65, 97, 3)
    for name in ('ten_bits.avi', 'sixteen_bits.mkv', 'alpha.avi'):
        image = frames_of(folder / name)[0].image
        assert image.shape == (64, 96, 3) and image.dtype == np.uint8


def test_red_is_first(tmp_path):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 2] = 255  # as OpenCV counts
    cv2.imwrite(str(tmp_path / '0.png'), red)
    frame, = read_pictures([str(tmp_path / '0.png')])
    assert frame.image[0, 0].tolist() == [255, 0, 0]


def test_pictures_of_two_sizes_are_refused(tmp_path):
    for number, side in enumerate((32, 40)):
        cv2.imwrite(str(tmp_path / f'{number}.png'),
                    np.zeros((side, side, 3), np.uint8))
    paths = [str(tmp_path / f'{number}.png') for number in range(2)]
    with pytest.raises(ValueError, match="1.png' has 40x40 pixels, but"):
        list(read_pictures(paths))
    (tmp_path / '1.png').write_text('none')
    with pytest.raises(ValueError, match="1.png' cannot be read"):
        list(read_pictures(paths))
    times = [frame.time for frame in read_pictures(paths[:1] * 5, 10, 2, 1)]
    assert times == pytest.approx([0.2, 0.4])


def test_a_rate_that_is_none_has_a_default(kinds_of_video):

    class Clock:

        @staticmethod
        def get(_):
            return 90_000.

    assert read_rate(Clock) == DEFAULT_RATE
    path = str(kinds_of_video[0] / 'mpeg4.mp4')
    assert read_rate(open_capture(path)) == 10


def test_what_is_no_video_is_one_sentence(kinds_of_video, capfd):
    with pytest.raises(ValueError, match="noise.mp4' cannot be opened"):
        open_capture(str(kinds_of_video[0] / 'noise.mp4'))
    assert capfd.readouterr().err == ''
