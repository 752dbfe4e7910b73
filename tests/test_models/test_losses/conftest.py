# SPDX-License-Identifier: Apache-2.0
"""Levels with a given warped frame and mask, and the steps of a runner."""
import pytest
from mmengine.logging import MessageHub

from uftsn_mmaction.models.losses.level import Level, resize_frames


@pytest.fixture(scope='session')
def make_level():
    """Function that builds a level from images and a mask.

    Args are the first frames ``(N, 3, H, W)``, the warped frames and the
    valid mask ``(N, 1, H, W)``.
    """

    def make(first, warped, mask):
        frames, = resize_frames(
            first[:, :, None].repeat(1, 1, 2, 1, 1), [first.shape[-2:]], 1.)
        flow = first.new_zeros(len(first), 2, 1, *first.shape[-2:])
        level = Level(flow, frames)
        level.warped, level.valid_mask = warped, mask
        # The second frame is given by what it looks like when warped.
        level.changed_mask = mask.new_ones(len(first), 1, 1, 1)
        return level

    return make


@pytest.fixture
def count_steps(monkeypatch):
    """Function that sets the step of the runner, None without a runner."""
    hub = MessageHub('test_losses')
    monkeypatch.setattr(MessageHub, 'get_current_instance', lambda: hub)

    def count(step):
        hub.runtime_info.pop('iter', None)
        if step is not None:
            hub.update_info('iter', step)

    return count
