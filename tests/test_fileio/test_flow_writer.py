# SPDX-License-Identifier: Apache-2.0
"""Flow that is written is the flow that is read."""
import cv2
import numpy as np
import pytest

from uftsn_mmaction.fileio.flow_file import read_flow
from uftsn_mmaction.fileio.flow_writer import (
    flo_bytes,
    kitti_bytes,
    npy_bytes,
    picture_bytes,
    rawframe_bytes,
)


@pytest.fixture
def flow():
    return np.random.default_rng(0).normal(0, 30, (2, 5, 7)).astype('f4')


@pytest.mark.parametrize('to_bytes, suffix, step', [
    (flo_bytes, '.flo', 0), (npy_bytes, '.npy', 0), (kitti_bytes, '.png',
                                                     1 / 64)])
def test_round_trip(flow, tmp_path, to_bytes, suffix, step):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(to_bytes(flow))
    back, known = read_flow(str(path))
    assert known.all()
    np.testing.assert_allclose(back, flow, atol=step / 2, rtol=0)


def test_other_readers_agree(flow, tmp_path):
    (tmp_path / 'a.flo').write_bytes(flo_bytes(flow))
    back = cv2.readOpticalFlow(str(tmp_path / 'a.flo'))
    np.testing.assert_array_equal(back, np.moveaxis(flow, 0, -1))


def test_kitti_marks_what_it_cannot_hold(flow, tmp_path):
    flow[0, 0, 0], flow[1, 1, 1], flow[0, 2, 2] = 600, np.nan, -512
    (tmp_path / 'a.png').write_bytes(kitti_bytes(flow))
    back, known = read_flow(str(tmp_path / 'a.png'))
    assert not known[0, 0] and not known[1, 1]
    assert known.sum() == known.size - 2
    assert back[0, 2, 2] == -512


def test_raw_frames_are_steps_of_the_bound():
    # Even pictures come through JPEG without loss.
    for value, expected in ((0, 128), (20, 255), (-20, 0), (35, 255),
                            (10, 191), (np.nan, 128)):
        flow = np.stack([np.full((16, 16), value), np.zeros((16, 16))])
        u, v = (cv2.imdecode(np.frombuffer(data, np.uint8),
                             cv2.IMREAD_UNCHANGED)
                for data in rawframe_bytes(flow, 20))
        assert u.shape == (16, 16)
        assert (u == expected).all() and (v == 128).all()


def test_a_picture_is_rgb():
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 200
    back = cv2.imdecode(np.frombuffer(picture_bytes(image), np.uint8), 1)
    assert back[0, 0].tolist() == [0, 0, 200]
