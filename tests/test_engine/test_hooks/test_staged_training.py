# SPDX-License-Identifier: Apache-2.0
"""Staged training in real runs: switches, frozen parts, resuming."""
import pytest
import torch

PARTS = {'flow_estimator', 'backbone', 'cls_head'}
TRAINED = dict(
    flow={'flow_estimator'}, classifier={'backbone', 'cls_head'}, joint=PARTS)
STEPS = 2  # of an epoch
EXPECTED = ['flow'] * 2 + ['classifier'] * 2 + ['joint'] * 2


def repeat(values, times):
    return [value for value in values for _ in range(times)]


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


def assert_same_moments(first, second):
    assert first.keys() == second.keys()
    for key in first:
        assert_same(first[key], second[key])


@pytest.mark.parametrize('by_epoch', [True, False])
def test_stage_follows_the_progress(staged_runner, tmp_path, by_epoch):
    runner = staged_runner(tmp_path, by_epoch=by_epoch)
    runner.train()
    stages = repeat(EXPECTED, STEPS if by_epoch else 1)
    assert runner.recorder.stages == stages
    assert runner.recorder.trains == [TRAINED[stage] for stage in stages]


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_run_resumed_anywhere_equals_the_run_that_was_not(
        staged_runner, tmp_path, by_epoch):
    """In the middle of each stage and at the borders."""
    whole = staged_runner(tmp_path / 'whole', by_epoch=by_epoch)
    whole.train()
    unit = 'epoch' if by_epoch else 'iter'
    for done in (1, 2, 3, 5) if by_epoch else range(1, 6):
        rest = staged_runner(
            tmp_path / f'from_{done}',
            by_epoch=by_epoch,
            load_from=str(tmp_path / 'whole' / f'{unit}_{done}.pth'),
            resume=True)
        rest.train()
        begin = done * STEPS if by_epoch else done
        assert rest.recorder.stages == whole.recorder.stages[begin:]
        assert rest.recorder.rates == whole.recorder.rates[begin:]
        assert_same(rest.model.state_dict(), whole.model.state_dict())
        assert_same_moments(rest.recorder.moments[-1],
                            whole.recorder.moments[-1])


def test_optimizer_state_outlives_the_stages(staged_runner, tmp_path):
    runner = staged_runner(tmp_path)
    runner.train()

    def moments(step, part):
        return {
            name: state
            for name, state in runner.recorder.moments[step].items()
            if name.startswith(part)
        }

    last_of_flow, last_of_classifier = 2 * STEPS - 1, 4 * STEPS - 1
    before = moments(last_of_flow, 'flow_estimator')
    assert not moments(last_of_flow, 'backbone')
    assert any(state['exp_avg'].any() for state in before.values())
    assert_same_moments(moments(last_of_classifier, 'flow_estimator'), before)
    # The joint stage goes on from there.
    assert all(
        state['step'] == 4 * STEPS
        for state in moments(-1, 'flow_estimator').values())
    assert all(
        state['step'] == 4 * STEPS
        for state in moments(-1, 'cls_head').values())


def test_frozen_parts_keep_their_weights(staged_runner, tmp_path):
    """Weight decay, momentum and batch norm included."""
    staged_runner(tmp_path).train()
    states = [
        torch.load(tmp_path / f'epoch_{n}.pth')['state_dict']
        for n in range(1, 7)
    ]
    for stage, before, after in zip(EXPECTED[1:], states, states[1:]):
        changed = {
            name.split('.')[0]
            for name in before if not torch.equal(before[name], after[name])
        }
        assert changed == TRAINED[stage]


@pytest.mark.parametrize('count', [2, 3])
def test_accumulated_gradients_end_with_their_stage(staged_runner, tmp_path,
                                                    count):
    """A switch amid an accumulation must not move what is frozen by then."""
    runner = staged_runner(
        tmp_path,
        6,
        stages=[
            dict(name='flow', begin=0),
            dict(name='classifier', begin=count - 1)
        ],
        by_epoch=False,
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.1), accumulative_counts=count))
    runner.train()
    before, after = (
        torch.load(tmp_path / f'iter_{n}.pth')['state_dict'] for n in (1, 6))
    for name in before:
        if name.startswith('flow_estimator'):
            assert torch.equal(before[name], after[name]), name


def warnings_of(runner, monkeypatch):
    found = []
    monkeypatch.setattr(runner.logger, 'warning', found.append)
    runner.train()
    return [text for text in found if 'flow_estimator' in text]


def test_flow_of_first_weights_is_told(staged_runner, model_settings, tmp_path,
                                       monkeypatch):
    alone = [dict(name='classifier', begin=0)]
    runner = staged_runner(tmp_path / 'a', 1, stages=alone)
    warning, = warnings_of(runner, monkeypatch)
    assert 'UnsupervisedFlowEstimator' in warning and 'load_from' in warning
    runner = staged_runner(
        tmp_path / 'b', 1, stages=alone,
        load_from=str(tmp_path / 'a' / 'epoch_1.pth'))
    assert not warnings_of(runner, monkeypatch)
    assert not warnings_of(staged_runner(tmp_path / 'c', 1), monkeypatch)
    # A solver has no weights.
    model = dict(
        model_settings, flow_estimator=dict(type='DISFlowEstimator'))
    runner = staged_runner(tmp_path / 'd', 1, stages=alone, model=model)
    assert not warnings_of(runner, monkeypatch)


def test_a_custom_hook_replaces_the_default_one(staged_runner, tmp_path):
    """A config that states its own list goes on to work with new bases."""
    hooks = dict(
        stages=dict(
            type='StagedTrainingHook',
            stages=dict(joint=dict(begin=0, lr=0.5))),
        epoch_seed=dict(type='EpochSeedHook'))
    runners = []
    for name, more in (('plain', {}), ('both', hooks)):
        runner = staged_runner(
            tmp_path / name,
            by_epoch=False,
            default_hooks=dict(
                checkpoint=dict(
                    type='CheckpointHook', interval=1, by_epoch=False),
                **more))
        runner.train()
        runners.append(runner)
    plain, both = (runner.recorder for runner in runners)
    assert both.stages == plain.stages == EXPECTED
    assert both.rates == plain.rates
    assert_same(*(runner.model.state_dict() for runner in runners))
