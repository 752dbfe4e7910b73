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

from ..fileio.unpacked_size import check_unpacked_size


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
    check_unpacked_size(io.BytesIO(content))
    try:
        return torch.load(
            io.BytesIO(content), map_location='cpu', weights_only=True)
    except pickle.UnpicklingError:
        # torch's own text ends with the advice to trust the file.
        raise ForbiddenGlobal('more than numbers within a tensor') from None


def _rebuild_tensor(*args: Any) -> torch.Tensor:
    """Build a tensor, but none that repeats its values to fill the memory."""
    tensor = torch._utils._rebuild_tensor_v2(*args)
    asked = tensor.numel() * tensor.element_size()
    if asked > tensor.untyped_storage().nbytes():
        raise ValueError(f'a tensor asks for {asked} bytes of memory, but has '
                         f'{tensor.untyped_storage().nbytes()}')
    return tensor


def _no_bytes(*args: Any) -> bytes:
    """Replace ``bytes``, which protocol 2 calls for nothing but ``b''``."""
    if args:
        raise ForbiddenGlobal('bytes of a given size')
    return b''


def _encode(text: str, encoding: str) -> bytes:
    """Decode bytes of protocol 2, without Python's other codecs."""
    if encoding != 'latin1':
        raise ForbiddenGlobal(f'the codec {encoding!r}')
    return text.encode('latin1')


_ALLOWED = {
    ('torch._utils', '_rebuild_tensor_v2'): _rebuild_tensor,
    ('torch.storage', '_load_from_bytes'): _load_storage,
    ('torch', 'Size'): torch.Size,
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): _encode,
    ('numpy', 'dtype'): _Ignored,
    ('numpy', 'ndarray'): _Ignored,
    # Protocol 2 names the builtins as Python 2 did.
    **{(module, name): kind
       for module in ('builtins', '__builtin__')
       for name, kind in (('bytes', _no_bytes), ('set', set))},
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
