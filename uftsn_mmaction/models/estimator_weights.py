# SPDX-License-Identifier: Apache-2.0
"""Weights of a flow estimator, from its own checkpoint or a recognizer's."""
from __future__ import annotations

from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from ..fileio.checkpoint import read_checkpoint

_PART = 'flow_estimator.'
_CURE = 'name a checkpoint of this very estimator'


def load_estimator(estimator: nn.Module, checkpoint: str, spec: str) -> None:
    """Load all weights of an estimator, or none.

    Args:
        estimator: Model to fill.
        checkpoint: File or URL, of the estimator or of a recognizer whose
            ``flow_estimator`` it is.
        spec: Name of the estimator, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read, or does not fit.
    """
    expected = estimator.state_dict()
    if not expected:
        raise ValueError(f'The estimator {spec!r} names a checkpoint, but '
                         f'{type(estimator).__name__} has no weights; leave '
                         'the checkpoint out')
    weights = read_checkpoint(checkpoint, f'of {spec!r}', _CURE)
    consume_prefix_in_state_dict_if_present(weights, 'module.')
    if any(name.startswith(_PART) for name in weights):
        weights = {
            name[len(_PART):]: value
            for name, value in weights.items() if name.startswith(_PART)
        }
    for fault, names, others in (('lacks', expected, weights),
                                 ('has too much,', weights, expected)):
        wrong = [name for name in names if name not in others]
        if wrong:
            raise ValueError(
                f'The checkpoint {checkpoint!r} does not fit {spec!r}: it '
                f'{fault} {len(wrong)} of {len(names)} tensors, the first one '
                f'is {wrong[0]!r}; {_CURE}')
    try:
        estimator.load_state_dict(weights)
    except RuntimeError as error:
        # The first line only names the class, the others a tensor each.
        detail = str(error).splitlines()[1:2] or [str(error)]
        raise ValueError(
            f'The checkpoint {checkpoint!r} does not fit {spec!r} '
            f'({detail[0].strip().rstrip(".")}); {_CURE}') from error
