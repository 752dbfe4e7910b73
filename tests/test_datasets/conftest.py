# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest
import torch

from uftsn_mmaction.datasets.motion.generator import generate_motion_set
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings

SETTINGS = dict(num_train=32, num_test=16, num_frames=8)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture(scope='session')
def motion_root(tmp_path_factory):
    """A small generated set, for reading only."""
    root = str(tmp_path_factory.mktemp('motion'))
    generate_motion_set(root, MotionSetSettings(**SETTINGS))
    return root


@pytest.fixture(scope='session')
def settings():
    """Settings of ``motion_root``."""
    return dict(SETTINGS)


@pytest.fixture(scope='session')
def warp_error():
    """Mean abs error of frame t+1 seen through the flow, and without it."""

    def measure(frames, flow):
        """frames (T, H, W, 3), flow (T-1, 2, H, W)."""
        y, x = np.indices(flow.shape[-2:], dtype=np.float32)
        frames = np.asarray(frames, np.float32)
        warped = np.stack([
            cv2.remap(
                frame,
                x + u,
                y + v,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE)
            for frame, (u, v) in zip(frames[1:], flow)
        ])
        with_flow = np.abs(warped - frames[:-1]).mean()
        return with_flow, np.abs(frames[1:] - frames[:-1]).mean()

    return measure
