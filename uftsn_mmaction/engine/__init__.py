# SPDX-License-Identifier: Apache-2.0
"""Loop, runner, optimizer wrapper and hooks: stages, exact continuation."""
from . import (
    bfloat16_optim_wrapper,
    hooks,
    random_state,
    train_loop,
    video_folder_runner,
)

__all__ = [
    'bfloat16_optim_wrapper', 'hooks', 'random_state', 'train_loop',
    'video_folder_runner'
]
