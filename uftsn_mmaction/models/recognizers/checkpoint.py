# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of streams, loaded in full or not at all."""
from __future__ import annotations

import logging

from mmaction.models.recognizers import BaseRecognizer
from mmengine.logging import print_log
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from ...fileio.checkpoint import read_checkpoint


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
