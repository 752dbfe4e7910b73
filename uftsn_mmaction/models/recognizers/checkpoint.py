# SPDX-License-Identifier: Apache-2.0
"""Checkpoints read as weights alone, and loaded in full or not at all."""
from __future__ import annotations

import logging
import os
import os.path as osp
from collections.abc import Iterator
from contextlib import contextmanager

from mmaction.models.recognizers import BaseRecognizer
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present


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


def load_recognizer(recognizer: BaseRecognizer, checkpoint: str | None,
                    stream: str) -> None:
    """Load a checkpoint into the recognizer of a stream.

    A trainer may start from half a checkpoint; a test of it would give a
    number that means nothing. So what lacks a weight is refused.

    Args:
        recognizer: Model to fill.
        checkpoint: File or URL; None is logged, and leaves the model as is.
        stream: Name of the stream, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read, or does not fit the recognizer.
    """
    owner = f'of stream {stream!r}'
    if checkpoint is None:
        print_log(
            f'The checkpoint {owner} is None: its weights are random, unless '
            'a checkpoint of the whole fusion is loaded',
            logger='current',
            level=logging.WARNING)
        return
    weights = read_checkpoint(
        checkpoint, owner, 'train the stream first, or name its file '
        f'(--stream {stream}=FILE)')
    consume_prefix_in_state_dict_if_present(weights, 'module.')
    cure = 'name the checkpoint of this config'
    try:
        result = recognizer.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        # The first line only names the class, the others a tensor each.
        detail = str(error).splitlines()[1:2] or [str(error)]
        raise ValueError(
            f'The checkpoint {checkpoint!r} {owner} does not fit its model '
            f'({detail[0].strip().rstrip(".")}); {cure}') from error
    if result.missing_keys:
        raise ValueError(
            f'The checkpoint {checkpoint!r} {owner} lacks '
            f'{len(result.missing_keys)} of {len(recognizer.state_dict())} '
            'tensors of its model, the first one is '
            f'{result.missing_keys[0]!r}; {cure}')
    if result.unexpected_keys:
        print_log(
            f'The checkpoint {checkpoint!r} {owner} has '
            f'{len(result.unexpected_keys)} tensors that its model does not '
            f'take, the first one is {result.unexpected_keys[0]!r}',
            logger='current',
            level=logging.WARNING)
