# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the library ptlflow, and a hostile object."""
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from uftsn_mmaction.models.other_flows.ptlflow import PTLFlowEstimator


class FakeNetwork(nn.Module):
    """Flow (blue of the first frame, red of the second) plus a bias."""

    pretrained_checkpoints = dict(
        things='https://localhost/fake-things-0123abcd.ckpt')

    def __init__(self, bias=0.):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(bias))
        self.norm = nn.BatchNorm2d(3)
        self.images = None
        self.told = None
        self.extra = {}

    def to(self, device):
        self.told = device
        return super().to(device)

    def init_weights(self):
        nn.init.constant_(self.bias, float('nan'))

    def add_extra_param(self, name, value):
        self.extra[name] = value

    def forward(self, inputs):
        self.images = inputs['images']
        flow = torch.stack((self.images[:, 0, 0], self.images[:, 1, 2]), 1)
        return dict(flows=flow[:, None] + self.bias)


class OneFlowTooMany(FakeNetwork):

    def forward(self, inputs):
        return dict(flows=super().forward(inputs)['flows'].repeat(
            1, 2, 1, 1, 1))


@pytest.fixture
def library(monkeypatch):
    """A module ``ptlflow`` with two models."""
    models = dict(fake=FakeNetwork, many=OneFlowTooMany)
    module = ModuleType('ptlflow')
    module.__version__ = '0.0'
    module.get_model_names = lambda: sorted(models)
    module.get_model = lambda name, args: models[name](**args.model)
    monkeypatch.setitem(sys.modules, 'ptlflow', module)
    return module


class Hostile:
    """Unpickling it leaves a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.fixture
def hostile(tmp_path):
    """Such an object, and the file that it would leave behind."""
    trace = tmp_path / 'trace'
    return Hostile(trace), trace


@pytest.fixture
def build(library):
    """Function that builds an estimator with the first of the two."""

    def build_estimator(**settings):
        return PTLFlowEstimator(**{
            **dict(model='fake', min_size=1),
            **settings
        })

    return build_estimator
