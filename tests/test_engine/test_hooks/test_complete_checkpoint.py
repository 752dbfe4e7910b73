# SPDX-License-Identifier: Apache-2.0
"""A test never runs on a model that its checkpoint fills in part."""
import copy

import pytest
import torch
from mmengine.config import Config

from uftsn_mmaction.engine.hooks import CompleteCheckpointHook

HOOK = [dict(type='CompleteCheckpointHook')]
TEST = dict(test_cfg=dict(), test_evaluator=[])
FAULTS = {
    'lacking': lambda weights: weights.pop('weight'),
    'other shape': lambda weights: weights.update(weight=torch.zeros(4)),
    'other name': lambda weights: weights.update(wait=weights.pop('weight')),
}


@pytest.fixture
def run(tiny_runner, tmp_path):
    """Function that builds a runner on a checkpoint of its model."""

    def run(change=lambda weights: None, hooks=HOOK, **kwargs):
        weights = dict(weight=torch.full((3, ), 7.))
        change(weights)
        path = tmp_path / 'weights.pth'
        torch.save(dict(state_dict=weights), path)
        probe = tiny_runner(tmp_path, 1)
        return tiny_runner(
            tmp_path,
            1,
            load_from=str(path),
            custom_hooks=copy.deepcopy(hooks),
            test_dataloader=probe.val_dataloader,
            **TEST,
            **kwargs)

    return run


@pytest.mark.parametrize('change', FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize('loop', ['test', 'val'])
def test_a_half_filled_model_is_not_tested(run, change, loop):
    with pytest.raises(ValueError) as caught:
        getattr(run(change), loop)()
    assert 'weight' in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('change', [
    lambda weights: None,
    lambda weights: weights.update({'module.weight': weights.pop('weight')}),
    lambda weights: weights.update(extra=torch.zeros(1)),
], ids=['as it is', 'distributed', 'with more'])
def test_a_filled_model_is_tested(run, change):
    runner = run(change)
    runner.test()
    assert runner.model.weight.tolist() == [7, 7, 7]


@pytest.mark.parametrize('change', [FAULTS['lacking'], FAULTS['other name']])
def test_a_training_does_not_start_from_another_model(run, change):
    """Such as a flow estimator alone, where a recognizer is trained."""
    runner = run(change)
    with pytest.raises(ValueError, match='lacks 1 of 1 tensors') as caught:
        runner.train()
    assert 'init_cfg' in str(caught.value) and '\n' not in str(caught.value)
    assert not runner.model.seen


@pytest.mark.parametrize('fault, said', [
    ('lacking', 'missing keys in source state_dict: weight'),
    ('other shape', 'size mismatch for weight'),
])
def test_a_training_may_start_from_a_part(run, fault, said, monkeypatch,
                                          tiny_runner, tmp_path):
    """Such as a network with a head of other classes."""
    lines = []
    monkeypatch.setattr('mmengine.runner.checkpoint.print_log',
                        lambda text, *args, **kwargs: lines.append(text))
    model = tiny_runner(tmp_path, 1).model
    model.register_buffer('common', torch.zeros(1))

    def change(weights):
        FAULTS[fault](weights)
        weights.update(common=torch.ones(1))

    runner = run(change, model=model)
    runner.train()
    assert runner.model.common == 1
    assert any(said in line for line in lines)
    # The epoch, its validation, and a test of what was trained.
    assert len(runner.model.seen) == 3
    runner.test()


def test_a_model_without_checkpoint_may_be_tested(tiny_runner, tmp_path):
    probe = tiny_runner(tmp_path, 1)
    runner = tiny_runner(
        tmp_path,
        1,
        custom_hooks=HOOK,
        test_dataloader=probe.val_dataloader,
        **TEST)
    runner.test()


def test_every_shipped_experiment_has_it(repo_root):
    hooks = Config.fromfile(
        repo_root / 'configs' / '_base_' / 'default_runtime.py').default_hooks
    assert dict(type=CompleteCheckpointHook.__name__) in hooks.values()
