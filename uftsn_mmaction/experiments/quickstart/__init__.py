# SPDX-License-Identifier: Apache-2.0
"""The quickstart: train on generated videos, test, and write a report."""
from .quickstart import run_quickstart

__all__ = ['run_quickstart']
