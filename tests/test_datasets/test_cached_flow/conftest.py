# SPDX-License-Identifier: Apache-2.0
"""A stand-in for an estimator, and clips for it."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from uftsn_mmaction.datasets import CachedFlow
from uftsn_mmaction.models.flow import FlowEstimator

SIZE = (24, 32)


class Stub(FlowEstimator):
    """Flow whose u is the frame and whose v is the next; counts its calls."""

    calls = 0

    def __init__(self, gain=1.0, **ignored):
        super().__init__()
        self.gain = gain

    def estimate_levels(self, x, backward=False):
        Stub.calls += 1
        assert not torch.is_grad_enabled() and not self.training
        grey = x.mean(1) * self.gain
        return (torch.stack((grey[:, :-1], grey[:, 1:]), 1), 'coarser flow')


class Weights(Stub):
    """An estimator with weights that start at random, or at a constant."""

    def __init__(self, start=None, device='cpu'):
        super().__init__()
        self.starts_random = start is None
        value = torch.rand(3) if start is None else torch.full((3, ), start)
        self.weight = nn.Parameter(value.to(device))


@pytest.fixture(autouse=True)
def count():
    """Function that gives the calls of the stub since it was last asked."""
    Stub.calls = 0

    def since():
        calls, Stub.calls = Stub.calls, 0
        return calls

    return since


@pytest.fixture
def stubs():
    """The stand-ins, with and without weights."""
    return SimpleNamespace(plain=Stub, weights=Weights)


@pytest.fixture
def build(tmp_path):
    """Function that builds the transform; keywords are for the stub."""

    def build(step=1 / 64, kind=Stub, **settings):
        return CachedFlow(
            dict(type=kind, **settings), str(tmp_path / 'cache'), step=step)

    return build


@pytest.fixture
def make_frames():
    """Function that makes frames ``(T, H, W, 3)``."""

    def make(number=8, size=SIZE, seed=0):
        return np.random.RandomState(seed).randint(
            0, 256, (number, *size, 3)).astype(np.uint8)

    return make


@pytest.fixture
def results_of():
    """Function that makes of frames what a decoder leaves."""

    def results(frames, clip_len=3):
        return dict(
            imgs=list(frames),
            img_shape=frames[0].shape[:2],
            num_clips=len(frames) // clip_len,
            clip_len=clip_len,
            modality='RGB')

    return results
