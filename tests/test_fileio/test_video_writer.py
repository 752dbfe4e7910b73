# SPDX-License-Identifier: Apache-2.0
"""Videos that are written: their length, their pictures, and no halves."""
import cv2
import numpy as np
import pytest
from bad_videos import draw_frames
from PIL import Image

from uftsn_mmaction.fileio.video_reader import (
    open_capture,
    read_frames,
    read_rate,
)
from uftsn_mmaction.fileio.video_writer import SUFFIXES, VideoWriter

FRAMES = [image[..., ::-1] for image in draw_frames()]


def read(path):
    capture = open_capture(str(path))
    rate = read_rate(capture)
    return rate, [frame.image for frame in read_frames(capture, rate)]


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_frames_come_back(tmp_path, suffix):
    path = tmp_path / 'new' / f'a{suffix}'
    with VideoWriter(path, 10) as writer:
        for image in FRAMES:
            writer.add(image)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    rate, images = read(path)
    assert rate == pytest.approx(10, abs=0.1)
    assert len(images) == writer.num_frames == len(FRAMES)
    for image, before in zip(images, FRAMES):
        # Lossy, but neither swapped colours nor another frame.
        assert np.abs(image.astype(int) - before).mean() < 12


def test_times_keep_the_length_of_a_variable_rate(tmp_path):
    times = [3, 3.1, 3.2, 3.5, 3.9]
    with VideoWriter(tmp_path / 'a.avi', 10) as writer:
        for image, time in zip(FRAMES, times):
            writer.add(image, time)
    _, images = read(tmp_path / 'a.avi')
    assert len(images) == 10
    # What is shown at each tenth of a second.
    shown = [int(np.argmin([np.abs(image.astype(int) - frame).mean()
                            for frame in FRAMES])) for image in images]
    assert shown == [0, 1, 2, 3, 3, 3, 4, 4, 4, 4]


def test_odd_rows_are_cut(tmp_path):
    with VideoWriter(tmp_path / 'a.mp4', 10) as writer:
        writer.add(np.zeros((65, 97, 3), np.uint8))
    assert read(tmp_path / 'a.mp4')[1][0].shape == (64, 96, 3)


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_an_error_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_text('old')
    with pytest.raises(KeyError), VideoWriter(path, 10) as writer:
        writer.add(FRAMES[0])
        raise KeyError
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_a_gif_repeats_and_is_not_too_fast(tmp_path):
    with VideoWriter(tmp_path / 'a.gif', 100) as writer:
        for number, image in enumerate(FRAMES[:11]):
            writer.add(image, number / 100)
    with Image.open(tmp_path / 'a.gif') as animation:
        assert animation.info['duration'] == 20
        assert animation.info['loop'] == 0
    assert writer.num_frames == 6


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'a.mov', expected a name that"):
        VideoWriter('a.mov', 10)


def test_no_encoder_is_one_sentence(tmp_path, monkeypatch):

    class None_:

        def isOpened(self):
            return False

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoWriter', lambda *args: None_())
    with pytest.raises(RuntimeError, match='cannot write .mp4 video of'):
        with VideoWriter(tmp_path / 'a.mp4', 10) as writer:
            writer.add(FRAMES[0])
