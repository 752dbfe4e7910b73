# SPDX-License-Identifier: Apache-2.0
"""Weights as safetensors, which hold no code, and those in the box.

Importing this module lets MMEngine read them from the disk: ``load_from``,
``init_cfg=dict(type='Pretrained', checkpoint=...)``, ``--checkpoint``.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmengine.fileio import put
from mmengine.runner import CheckpointLoader
from safetensors.torch import load_file, save
from torch import Tensor

#: Beginning of the address of weights that come with the package.
BOXED = 'uftsn://'

_BOX = Path(__file__).resolve().parents[1] / 'weights'


def boxed_names() -> list[str]:
    """Return the names of the weights that come with the package.

    Examples:
        >>> 'uftsn_plus' in boxed_names()
        True
    """
    return sorted(path.stem for path in _BOX.glob('*.safetensors'))


@CheckpointLoader.register_scheme(prefixes=BOXED)
def load_boxed(address: str,
               map_location: str | None = None) -> dict[str, dict]:
    """Load weights of the box, such as ``'uftsn://uftsn_plus'``.

    Returns:
        As :func:`load_safetensors`.

    Raises:
        ValueError: If the box has no weights of that name.
    """
    name = address[len(BOXED):]
    if name not in boxed_names():
        raise ValueError(f'the box has no weights {name!r}, expected one of '
                         f'{boxed_names()}')
    return load_safetensors(str(_BOX / f'{name}.safetensors'), map_location)


@CheckpointLoader.register_scheme(prefixes=r'.+\.safetensors$')
def load_safetensors(path: str,
                     map_location: str | None = None) -> dict[str, dict]:
    """Load a ``.safetensors`` file in the form of a checkpoint.

    Returns:
        The tensors by name under ``state_dict``, which MMEngine's hooks expect
        in a checkpoint.
    """
    return dict(state_dict=load_file(path, device=map_location or 'cpu'))


def save_safetensors(weights: Mapping[str, Tensor], path: str,
                     metadata: Mapping[str, str]) -> None:
    """Write tensors and a description to a ``.safetensors`` file."""
    content = save({name: value.contiguous()
                    for name, value in weights.items()}, dict(metadata))
    put(content, path, backend_args=dict(backend='atomic'))
