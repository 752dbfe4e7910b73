# SPDX-License-Identifier: Apache-2.0
"""Files: written at once or not at all, read as data and nothing else."""
from .atomic import AtomicLocalBackend

__all__ = ['AtomicLocalBackend']
