# SPDX-License-Identifier: Apache-2.0
"""Hooks for training in stages, reproducible epochs and honest tests."""
from . import hooks

__all__ = ['hooks']
