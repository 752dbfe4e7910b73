# SPDX-License-Identifier: Apache-2.0
import random
from functools import partial

import numpy as np
import torch
from mmengine.dataset import worker_init_fn as mmengine_worker_init_fn
from mmengine.registry import FUNCTIONS
from torch.utils.data import DataLoader, Dataset

from uftsn_mmaction.datasets import epoch_worker_init_fn


class _Draws(Dataset):
    """Returns what the three generators of a worker give."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (random.random(), np.random.rand(), torch.rand(()).item())


def _epochs(init_fn, epochs=2, seed=3, workers=2):
    torch.manual_seed(seed)
    loader = DataLoader(
        _Draws(),
        batch_size=None,
        num_workers=workers,
        worker_init_fn=init_fn)
    return [[tuple(draw) for draw in loader] for _ in range(epochs)]


def test_registered_where_the_runner_looks():
    assert FUNCTIONS.get('epoch_worker_init_fn') is epoch_worker_init_fn


def test_epochs_and_workers_differ_and_runs_repeat():
    first, second = _epochs(epoch_worker_init_fn)
    assert [first, second] == _epochs(epoch_worker_init_fn)
    draws = np.array(first + second)  # (epochs * workers, generators)
    assert len(np.unique(draws)) == draws.size
    # MMEngine's default, for which this function stands in, repeats itself.
    default = partial(
        mmengine_worker_init_fn, num_workers=2, rank=0, seed=3)
    first, second = _epochs(default)
    assert first == second


def test_ranks_differ(monkeypatch):
    first = _epochs(epoch_worker_init_fn, epochs=1, workers=1)
    monkeypatch.setenv('RANK', '1')
    second = _epochs(epoch_worker_init_fn, epochs=1, workers=1)
    assert not np.intersect1d(np.array(first), np.array(second)).size
