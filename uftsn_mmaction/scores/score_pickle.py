# SPDX-License-Identifier: Apache-2.0
"""Pickles of predictions, loaded as data only.

A pickle names the functions to call when it is loaded, so that it can run any
program. ``torch.load(weights_only=True)`` reads only what ``torch.save`` has
written, not such a dump; hence this list of what its tensors need.
"""
from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import torch


class ForbiddenGlobal(pickle.UnpicklingError):
    """A pickle asks for a global that predictions do not need."""


class _Ignored:
    """Stand-in for numpy, whose functions trust the state in a pickle."""

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _load_storage(content: bytes) -> Any:
    """Replace ``torch.storage._load_from_bytes``, which trusts its input."""
    try:
        return torch.load(
            io.BytesIO(content), map_location='cpu', weights_only=True)
    except pickle.UnpicklingError:
        # torch's own text ends with the advice to trust the file.
        raise ForbiddenGlobal('more than numbers within a tensor') from None


def _encode(text: str, encoding: str) -> bytes:
    """Decode bytes of protocol 2, without Python's other codecs."""
    if encoding != 'latin1':
        raise ForbiddenGlobal(f'the codec {encoding!r}')
    return text.encode('latin1')


_ALLOWED = {
    ('torch._utils', '_rebuild_tensor_v2'): torch._utils._rebuild_tensor_v2,
    ('torch.storage', '_load_from_bytes'): _load_storage,
    ('torch', 'Size'): torch.Size,
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): _encode,
    ('numpy', 'dtype'): _Ignored,
    ('numpy', 'ndarray'): _Ignored,
    # Protocol 2 names the builtins as Python 2 did.
    **{(module, kind.__name__): kind
       for module in ('builtins', '__builtin__')
       for kind in (bytes, set)},
    # numpy 1 and numpy 2.
    **{(f'numpy.{core}.{module}', name): _Ignored
       for core in ('core', '_core')
       for module, name in (('multiarray', '_reconstruct'),
                            ('multiarray', 'scalar'),
                            ('numeric', '_frombuffer'))},
}


class _Unpickler(pickle.Unpickler):

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ForbiddenGlobal(f'{module}.{name}') from None


def load_tensors(file: BinaryIO) -> Any:
    """Load containers, numbers, texts and tensors, without numpy values.

    Raises:
        ForbiddenGlobal: If the pickle asks for anything else; its text is
            the name.
        Exception: Of any class, if the pickle is damaged.
    """
    return _Unpickler(file).load()
