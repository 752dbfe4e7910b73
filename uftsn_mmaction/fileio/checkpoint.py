# SPDX-License-Identifier: Apache-2.0
"""Read checkpoints as data, and fill a module with all of their weights."""
from __future__ import annotations

import logging
import os
import os.path as osp
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from .paths import check_input_file
from .unpacked_size import check_unpacked_size

#: Where the checkpoint of a recognizer keeps its flow estimator.
ESTIMATOR_PART = 'flow_estimator.'


def load_weights(module: nn.Module,
                 checkpoint: str,
                 owner: str,
                 cure: str = 'name a checkpoint of this model',
                 *,
                 weights: Mapping[str, Tensor] | None = None,
                 part: str = '',
                 allow_missing: bool = False,
                 allow_unexpected: bool = False) -> list[str]:
    """Fill a module from a checkpoint, and refuse one that does not fit.

    The prefix ``module.`` of distributed training is stripped.

    Args:
        module: Module to fill. After an error it may be half filled.
        checkpoint: File or URL.
        owner: Noun that says whose checkpoint it is, for messages.
        cure: What the user can do about a bad checkpoint, for messages.
        weights: Tensors already taken from the checkpoint, by name; None
            reads the checkpoint.
        part: Prefix such as ``'flow_estimator.'``. Where any tensor has it,
            only those tensors are taken, without the prefix.
        allow_missing: Whether the checkpoint may lack tensors.
        allow_unexpected: Whether tensors that the module does not have are
            skipped with a warning.

    Returns:
        Names of the tensors that kept their values.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the checkpoint cannot be read or does not fit.
    """
    label = f'The checkpoint {checkpoint!r} of {owner}'
    expected = module.state_dict()
    if not expected:
        raise ValueError(f'{label} is useless, since {type(module).__name__} '
                         'has no weights; leave the checkpoint out')
    if weights is None:
        weights = read_checkpoint(checkpoint, owner, cure)
    weights = dict(weights)
    consume_prefix_in_state_dict_if_present(weights, 'module.')
    if part and any(name.startswith(part) for name in weights):
        weights = {name[len(part):]: value
                   for name, value in weights.items() if name.startswith(part)}
    try:
        missing, unexpected = module.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        # The first line names the class, the following ones a tensor each.
        detail, = str(error).splitlines()[1:2] or [str(error)]
        detail = detail.strip().rstrip('.')
        raise ValueError(f'{label} does not fit its model ({detail}); {cure}'
                         ) from error
    if missing and not allow_missing:
        raise ValueError(
            f'{label} lacks {len(missing)} of {len(expected)} tensors of its '
            f'model, the first one is {missing[0]!r}; {cure}')
    if unexpected:
        surplus = (f'{label} has {len(unexpected)} of {len(weights)} tensors '
                   'too many for its model, the first one is '
                   f'{unexpected[0]!r}')
        if not allow_unexpected:
            raise ValueError(f'{surplus}; {cure}')
        print_log(surplus, logger='current', level=logging.WARNING)
    return missing


def read_checkpoint(checkpoint: str, owner: str,
                    cure: str) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint by name, as :func:`read_content`."""
    content = read_content(checkpoint, owner, cure)
    return tensors_of(content, checkpoint, owner, cure)


def tensors_of(content: Mapping[str, Any], checkpoint: str, owner: str,
               cure: str) -> dict[str, Tensor]:
    """Pick the tensors out of what :func:`read_content` returned."""
    state = content.get('state_dict', content)
    if not isinstance(state, Mapping):
        reason = f'its state_dict is a {type(state).__name__}'
        raise _unreadable(checkpoint, owner, cure, reason)
    return {str(name): value
            for name, value in state.items() if isinstance(value, Tensor)}


def read_content(checkpoint: str, owner: str, cure: str,
                 check_hash: bool = False) -> dict[str, Any]:
    """Read all of a checkpoint without running code that it may hold.

    Args:
        checkpoint, owner, cure: As in :func:`load_weights`.
        check_hash: Whether the file name of a URL ends with a hash that the
            download must have.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the checkpoint cannot be read, or holds objects other
            than plain data.
    """
    if '://' not in checkpoint:
        check_local(checkpoint, owner, cure)
    try:
        with restricted_loading():
            if check_hash:
                content = torch.hub.load_state_dict_from_url(
                    checkpoint, map_location='cpu', check_hash=True,
                    weights_only=True)
            else:
                content = CheckpointLoader.load_checkpoint(
                    checkpoint, map_location='cpu')
    except Exception as error:
        # Readers of files and of URLs share no exception class.
        reason = str(error).strip().split('\n')[0]
        reason = f'{type(error).__name__}: {reason}'
        raise _unreadable(checkpoint, owner, cure, reason) from error
    if not isinstance(content, Mapping):
        reason = f'it holds a {type(content).__name__}'
        raise _unreadable(checkpoint, owner, cure, reason)
    return dict(content)


def check_local(checkpoint: str, owner: str, cure: str) -> None:
    """Check a file before it is read, as :func:`read_content` does.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it asks for more memory than it can fill.
    """
    path = osp.expanduser(checkpoint)
    check_input_file(path, f'The checkpoint {checkpoint!r} of {owner}', cure,
                     osp.exists)
    if osp.isfile(path):
        try:
            with open(path, 'rb') as file:
                check_unpacked_size(file)
        except (ValueError, zipfile.BadZipFile) as error:
            raise _unreadable(checkpoint, owner, cure, str(error)) from error


def _unreadable(checkpoint: str, owner: str, cure: str,
                reason: str) -> ValueError:
    return ValueError(f'The checkpoint {checkpoint!r} of {owner} cannot be '
                      f'read ({reason}); {cure}')


@contextmanager
def restricted_loading() -> Iterator[None]:
    """Restrict every ``torch.load`` to plain data.

    MMEngine calls ``torch.load``, for a URL through ``torch.hub``, and passes
    no ``weights_only``; only this environment variable reaches that far. Its
    opposite, which some users set for old checkpoints, must be unset.
    """
    switches = ('TORCH_FORCE_WEIGHTS_ONLY_LOAD',
                'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD')
    before = {name: os.environ.pop(name) for name in switches
              if name in os.environ}
    os.environ[switches[0]] = '1'
    try:
        yield
    finally:
        del os.environ[switches[0]]
        os.environ.update(before)
