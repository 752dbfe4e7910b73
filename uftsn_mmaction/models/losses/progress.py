# SPDX-License-Identifier: Apache-2.0
"""Losses that begin in the middle of a training."""
from __future__ import annotations

from mmengine.logging import MessageHub


def check_begin(begin: int, setting: str) -> None:
    """Check a number of steps."""
    if not isinstance(begin, int) or begin < 0:
        raise ValueError(f'{setting} must be a number of training steps, 0 or '
                         f'more, got {begin!r}')


def has_begun(begin: int, setting: str) -> bool:
    """Return whether the training has done a number of steps.

    The number is that of the runner, which counts on when a run is resumed,
    and which weights loaded for another run do not carry along.

    Args:
        begin: Number of steps.
        setting: Name of the setting, for the message.

    Raises:
        ValueError: If no runner counts the steps of this process.
    """
    if begin == 0:
        return True
    step = MessageHub.get_current_instance().get_info('iter')
    if step is None:
        raise ValueError(
            f'{setting} is {begin} training steps, but no runner counts them; '
            'train with one, or set it to 0')
    return step >= begin
