# SPDX-License-Identifier: Apache-2.0
"""The state of all random-number generators, as plain data."""
from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def get_random_state() -> dict[str, Any]:
    """Return the state of Python, NumPy and torch.

    Checkpoints can hold it, as it has only containers, numbers, texts and
    tensors.
    """
    numpy = np.random.get_state(legacy=False)
    numpy['state'] = dict(
        numpy['state'], key=numpy['state']['key'].tolist())
    state = dict(
        python=random.getstate(), numpy=numpy, torch=torch.get_rng_state())
    if torch.cuda.is_initialized():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Put back what :func:`get_random_state` returned."""
    random.setstate(state['python'])
    numpy = state['numpy']
    np.random.set_state(
        dict(
            numpy,
            state=dict(
                numpy['state'],
                key=np.array(numpy['state']['key'], np.uint32))))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state:
        torch.cuda.set_rng_state(state['cuda'].cpu())
