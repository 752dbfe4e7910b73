# SPDX-License-Identifier: Apache-2.0
"""Files: atomic writes, safe checkpoints and files of flow."""
from .atomic import AtomicLocalBackend, write_json

__all__ = ['AtomicLocalBackend', 'write_json']
