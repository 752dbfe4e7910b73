# SPDX-License-Identifier: Apache-2.0
"""Loop, runner and hooks: stages, exact continuation and honest tests."""
from . import hooks, random_state, train_loop, video_folder_runner

__all__ = ['hooks', 'random_state', 'train_loop', 'video_folder_runner']
