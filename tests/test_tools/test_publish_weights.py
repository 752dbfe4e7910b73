# SPDX-License-Identifier: Apache-2.0
"""Weights leave a checkpoint without the rest, or as a mean of several."""
import runpy

import pytest
import torch
from safetensors.torch import load_file

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator
from uftsn_mmaction.models.flow_zoo import build_estimator


@pytest.fixture
def publish(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in an empty folder and returns what it printed."""

    def publish(*args):
        monkeypatch.setattr('sys.argv', ['publish_weights.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'publish_weights.py'),
            run_name='__main__')
        return capsys.readouterr()

    return publish


def checkpoint(path, plan='uftsn_plus_tiny'):
    """Write a recognizer's checkpoint; returns its estimator's weights."""
    weights = UnsupervisedFlowEstimator(plan).state_dict()
    state = {f'flow_estimator.{name}': value
             for name, value in weights.items()}
    state['cls_head.fc_cls.weight'] = torch.ones(5, 3)
    torch.save(dict(state_dict=state, meta=dict(epoch=4)), path)
    return weights


def test_the_estimator_of_a_checkpoint(publish):
    weights = checkpoint('a.pth')
    publish('a.pth', '--out', 'flow.safetensors')
    torch.testing.assert_close(load_file('flow.safetensors'), dict(weights))
    estimator = build_estimator('uftsn_plus_tiny:flow.safetensors')
    torch.testing.assert_close(dict(estimator.state_dict()), dict(weights))


def test_the_mean_of_checkpoints(publish):
    torch.manual_seed(0)
    parts = [checkpoint(f'{name}.pth') for name in 'abc']
    publish('a.pth', 'b.pth', 'c.pth', '--out', 'flow.safetensors')
    found = load_file('flow.safetensors')
    assert found.keys() == parts[0].keys()
    for name, value in found.items():
        mean = sum(part[name] for part in parts) / 3
        torch.testing.assert_close(value, mean)
    assert any((found[name] != parts[0][name]).any() for name in found)


@pytest.mark.parametrize('plan', ['uftsn_plus', 'uftsn_small'])
def test_weights_of_two_plans_have_no_mean(plan, publish):
    checkpoint('a.pth')
    checkpoint('b.pth', plan)
    with pytest.raises(SystemExit) as refused:
        publish('a.pth', 'b.pth', '--out', 'flow.safetensors')
    assert "'b.pth' has other tensors" in str(refused.value)


def test_a_checkpoint_without_an_estimator(publish):
    torch.save(dict(state_dict=dict(weight=torch.ones(1))), 'a.pth')
    with pytest.raises(SystemExit) as refused:
        publish('a.pth', '--out', 'flow.safetensors')
    assert "'a.pth' has no flow estimator" in str(refused.value)


def test_it_does_not_stand_in_for_a_whole_recognizer(publish, repo_root,
                                                     monkeypatch):
    checkpoint('a.pth', 'uftsn_plus')
    publish('a.pth', '--out', 'flow.safetensors')
    # Its hook of mean weights reads any checkpoint of this config.
    config = str(repo_root / 'configs' / 'flow_generated.py')
    monkeypatch.setattr('sys.argv', ['test.py', config, 'flow.safetensors'])
    with pytest.raises(SystemExit) as refused:
        runpy.run_path(
            str(repo_root / 'tools' / 'test.py'), run_name='__main__')
    assert "'flow.safetensors' of the model lacks 36 of 36 tensors" in str(
        refused.value)
