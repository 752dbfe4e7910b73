# SPDX-License-Identifier: Apache-2.0
"""Loop and hooks: stages, exact continuation and honest tests."""
from . import hooks, random_state, train_loop

__all__ = ['hooks', 'random_state', 'train_loop']
