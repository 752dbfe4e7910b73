# SPDX-License-Identifier: Apache-2.0
"""Clips whose motion is known."""
import cv2
import pytest
import torch


@pytest.fixture
def one_thread():
    """OpenCV on one thread during the test."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope='session')
def moving_texture():
    """Function that makes clips of smooth waves which all move alike.

    Args are the motion (u, v) in pixels per frame, which need not be whole,
    and the size of the batch ``(N, 3, T, H, W)``.
    """

    def make(shift, batch=1, frames=2, height=48, width=56, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def draw(low, high):
            values = torch.rand(batch, 3, 12, 1, 1, 1, generator=generator)
            return low + (high - low) * values

        angle, phase = draw(0, 6.28), draw(0, 6.28)
        wavelength = draw(9, 25)
        t = torch.arange(frames).view(-1, 1, 1)
        x = torch.arange(width) - shift[0] * t
        y = torch.arange(height).view(-1, 1) - shift[1] * t
        along = x * angle.cos() + y * angle.sin()
        waves = (6.2832 * along / wavelength + phase).sin()
        return (0.5 + 0.08 * waves.sum(2)).clamp(0, 1)

    return make
