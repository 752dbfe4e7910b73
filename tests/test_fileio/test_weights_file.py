# SPDX-License-Identifier: Apache-2.0
"""Weights as safetensors: read by every loader, and those in the box."""
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors import safe_open

import uftsn_mmaction
from uftsn_mmaction.datasets import RandomMotionDataset
from uftsn_mmaction.fileio.checkpoint import load_weights
from uftsn_mmaction.fileio.weights_file import (
    BOXED,
    boxed_names,
    load_boxed,
    save_safetensors,
)
from uftsn_mmaction.models.flow import PLANS, UnsupervisedFlowEstimator


@pytest.fixture
def linear():
    return torch.nn.Linear(3, 2)


def test_a_file_reaches_every_loader(linear, tmp_path):
    path = str(tmp_path / 'a.safetensors')
    save_safetensors(linear.state_dict(), path, dict(about='a test'))
    with safe_open(path, 'pt') as file:
        assert file.metadata()['about'] == 'a test'

    class Layer(BaseModule):

        def __init__(self):
            super().__init__(dict(type='Pretrained', checkpoint=path))
            self.weight = torch.nn.Parameter(torch.zeros(2, 3))
            self.bias = torch.nn.Parameter(torch.zeros(2))

    by_config = Layer()
    by_config.init_weights()
    by_mmengine, by_us = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    load_checkpoint(by_mmengine, path, strict=True)
    load_weights(by_us, path, 'a test')
    for module in (by_config, by_mmengine, by_us):
        assert torch.equal(module.weight, linear.weight)
        assert torch.equal(module.bias, linear.bias)


@pytest.mark.parametrize('content', [b'', b'\xff' * 64,
                                     (2**62).to_bytes(8, 'little') + b'{}'])
def test_a_broken_file_is_named(linear, tmp_path, content):
    path = tmp_path / 'broken.safetensors'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='broken.safetensors'):
        load_weights(linear, str(path), 'a test')


@pytest.mark.parametrize('name', ['uftsn_plus', 'uftsn_plus_tiny'])
def test_weights_in_the_box_are_those_of_their_plan(name):
    assert name in boxed_names() and name in PLANS
    weights = load_boxed(f'{BOXED}{name}')['state_dict']
    estimator = UnsupervisedFlowEstimator(pretrained=name)
    assert not estimator.has_random_weights
    found = estimator.state_dict()
    assert found.keys() == weights.keys()
    for key, value in weights.items():
        assert value.dtype == torch.float32 and torch.isfinite(value).all()
        assert torch.equal(found[key], value)


@pytest.mark.parametrize('name', ['uftsn_plus', 'uftsn_plus_tiny'])
def test_weights_in_the_box_know_motion(name, monkeypatch):
    # Nothing is fetched.
    monkeypatch.setattr(socket, 'socket', None)
    estimator = UnsupervisedFlowEstimator(pretrained=name).eval()
    errors, lengths = [], []
    for sample in RandomMotionDataset(8, split='val', test_mode=True):
        flow = estimator.flow_of_pair(*sample['imgs'])
        truth = sample['gt_flow'][0, :, 0].numpy()
        errors.append(np.hypot(*(flow - truth)).mean())
        lengths.append(np.hypot(*truth).mean())
    assert np.mean(errors) < 0.35 * np.mean(lengths)


def test_the_box_stays_small():
    package = Path(uftsn_mmaction.__file__).parent
    files = [*package.glob('weights/*.safetensors')]
    assert len(files) >= 2
    assert sum(file.stat().st_size for file in files) <= 12e6


def test_what_is_not_in_the_box_is_refused():
    with pytest.raises(ValueError, match="'uftsn_large'.*uftsn_plus"):
        CheckpointLoader.load_checkpoint(f'{BOXED}uftsn_large')
    with pytest.raises(ValueError, match='uftsn_plus'):
        UnsupervisedFlowEstimator('uftsn_plus', pretrained='../secret')
    with pytest.raises(ValueError, match="pretrained.*'uftsn_large'"):
        UnsupervisedFlowEstimator(pretrained='uftsn_large')
    with pytest.raises(ValueError, match='does not fit'):
        UnsupervisedFlowEstimator('uftsn_small', pretrained='uftsn_plus')
