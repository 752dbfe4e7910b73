# SPDX-License-Identifier: Apache-2.0
"""Both streams on all official splits of a data set (sec. 3.1)."""
from .run import run_splits

__all__ = ['run_splits']
