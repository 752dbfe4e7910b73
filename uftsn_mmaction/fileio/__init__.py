# SPDX-License-Identifier: Apache-2.0
"""Files: atomic writes, safe checkpoints and files of flow."""
from .atomic import AtomicLocalBackend, write_json
from .weights_file import boxed_names, load_boxed, load_safetensors

__all__ = [
    'AtomicLocalBackend', 'boxed_names', 'load_boxed', 'load_safetensors',
    'write_json'
]
