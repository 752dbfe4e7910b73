# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of others, read as weights and nothing else."""
from __future__ import annotations

import os
import os.path as osp
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.runner import CheckpointLoader
from torch import Tensor


def read_checkpoint(checkpoint: str, owner: str,
                    cure: str) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name.

    Args:
        checkpoint: File or URL, with or without ``state_dict``.
        owner: Whose checkpoint it is, for messages.
        cure: What to do about a bad one, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read, or holds more than plain weights.
    """
    if '://' not in checkpoint and not osp.exists(checkpoint):
        raise FileNotFoundError(
            f'The checkpoint {checkpoint!r} {owner} does not exist (absolute '
            f'path {osp.abspath(checkpoint)!r}); {cure}')
    try:
        with _weights_only():
            content = CheckpointLoader.load_checkpoint(
                checkpoint, map_location='cpu')
        content = content.get('state_dict', content)
        # Some checkpoints hold more than tensors.
        return {
            str(name): value
            for name, value in content.items() if isinstance(value, Tensor)
        }
    except Exception as error:
        # Readers of files and URLs share no exception class.
        reason = str(error).strip().split('\n')[0]
        raise ValueError(
            f'The checkpoint {checkpoint!r} {owner} cannot be read '
            f'({type(error).__name__}: {reason}); {cure}') from error


@contextmanager
def _weights_only() -> Iterator[None]:
    """Let nothing but weights out of any file, also of a downloaded one.

    ``torch.load`` is called by MMEngine, and for a URL by torch.hub, which
    asks for any object; this switch is all that reaches there. Its opposite,
    which some set for old checkpoints, must not stand beside it.
    """
    switches = ('TORCH_FORCE_WEIGHTS_ONLY_LOAD',
                'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD')
    before = {name: os.environ.pop(name, None) for name in switches}
    os.environ[switches[0]] = '1'
    try:
        yield
    finally:
        del os.environ[switches[0]]
        os.environ.update(
            {name: value
             for name, value in before.items() if value is not None})
