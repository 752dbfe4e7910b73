# SPDX-License-Identifier: Apache-2.0
"""A video beside its flow."""
import csv

import numpy as np
import pytest
from bad_videos import draw_frames

from uftsn_mmaction.apis import FlowInferencer
from uftsn_mmaction.apis.action_inferencer import Moment
from uftsn_mmaction.apis.motion_video import MotionVideo
from uftsn_mmaction.apis.source import Source
from uftsn_mmaction.fileio.video_reader import (
    Frame,
    open_capture,
    read_frames,
    read_rate,
)

FRAMES = np.stack(draw_frames())[..., ::-1]


class Actions:
    """Sees the second class in each fifth frame, ever more clearly."""

    classes = ['walk', 'run']

    def stream(self, frames, rate):
        for number, frame in enumerate(frames):
            moment = None if number % 5 else Moment(
                frame.time, dict(one=np.array([0.9, 0.1]),
                                 fusion=np.array([0.5, 0.5])))
            yield frame, moment


@pytest.fixture(scope='module')
def dis():
    return FlowInferencer('dis_fast', device='cpu')


def read(path):
    capture = open_capture(str(path))
    return [frame.image for frame in read_frames(capture, read_rate(capture))]


def test_frame_and_flow(dis, tmp_path):
    said = MotionVideo(dis).write(Source(FRAMES, 'a'), tmp_path / 'a.avi')
    images = read(tmp_path / 'a.avi')
    assert len(images) == 12 and images[0].shape == (3 * 64, 3 * 2 * 96, 3)
    for image, frame in zip(images, FRAMES):
        # Enlarged by three.
        assert np.abs(image[::3, :288:3].astype(int) - frame).mean() < 16
        # To the left and up: blue.
        red, _, blue = image[:120, 330:].mean(axis=(0, 1))
        assert blue > red + 20
    assert '12 frames, full colour at ' in said


def test_classes_stand_below(dis, tmp_path):
    said = MotionVideo(dis, Actions(), top=2).write(
        Source(FRAMES, 'a'), tmp_path / 'a.avi')
    images = read(tmp_path / 'a.avi')
    assert len(images) == 12 and images[0].shape[0] > 3 * 64 + 40
    assert images[0][3 * 64:].min() < 128
    with open(tmp_path / 'a.csv', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert [(row['seconds'], row['stream']) for row in rows] == [
        (f'{time:.3f}', name) for time in (0, 0.2, 0.4)
        for name in ('one', 'fusion')]
    assert rows[0]['walk'] == '90.00' and rows[0]['run'] == '10.00'
    assert said.splitlines()[1].split() == ['one', 'walk', '90.0', '%,',
                                            'run', '10.0', '%']


def test_large_frames_are_reduced(dis, tmp_path):
    MotionVideo(dis, size=32).write(Source(FRAMES, 'a'), tmp_path / 'a.avi')
    assert read(tmp_path / 'a.avi')[0].shape == (5 * 32, 5 * 2 * 48, 3)


def test_it_ends_in_time(dis, tmp_path):
    MotionVideo(dis, seconds=0.2).write(Source(FRAMES, 'a'),
                                        tmp_path / 'a.avi')
    assert len(read(tmp_path / 'a.avi')) == 5


class Camera(Source):
    """Gives six frames, and is then interrupted."""

    rate = 10

    def __init__(self):
        super().__init__(0, 'camera_0')

    def frames(self, *args, **kwargs):
        for number in range(6):
            yield Frame(FRAMES[number], number / 10)
        raise KeyboardInterrupt


def test_an_interrupted_camera_leaves_its_video(dis, tmp_path):
    MotionVideo(dis).write(Camera(), tmp_path / 'a.avi')
    assert len(read(tmp_path / 'a.avi')) >= 4


def test_an_interrupted_file_leaves_nothing(dis, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'uftsn_mmaction.apis.motion_video.add_wheel',
        lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        MotionVideo(dis).write(Source(FRAMES, 'a'), tmp_path / 'a.avi')
    assert list(tmp_path.iterdir()) == []
