# SPDX-License-Identifier: Apache-2.0
"""A flow that collapses or explodes is told from one that learns."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub

from uftsn_mmaction.engine.hooks import FlowHealthHook

MOVING = torch.arange(0, 256, 8).expand(1, 3, 2, 32, 32).clone()
MOVING[:, :, 1] = MOVING[:, :, 0].roll(1, -1)
STILL = MOVING[:, :, :1].repeat(1, 1, 2, 1, 1)


@pytest.fixture
def train():
    """Function that runs the hook over steps with these statistics.

    Returns the warnings, with the number of the step each.
    """

    def train(*steps, frames=MOVING, stages=None, as_list=True, model=None,
              to_the_end=False, **kwargs):
        hub = MessageHub('test_flow_health')
        hook = FlowHealthHook(**{'interval': 5, 'warmup': 10, **kwargs})
        said = []
        for index, (norm, std, loss) in enumerate(steps):
            if stages:
                hub.update_info('stage', stages[index])
            outputs = dict(flow_norm=norm, flow_std=std, loss=loss)
            if stages:
                frozen = stages[index] == 'classifier'
                outputs['loss_cls' if frozen else 'loss_own'] = loss
            for name, value in outputs.items():
                hub.update_scalar(f'train/{name}', value)
            runner = SimpleNamespace(
                message_hub=hub, iter=index, model=model,
                logger=SimpleNamespace(
                    warning=lambda text, i=index: said.append((i + 1, text))))
            inputs = [frames] if as_list else frames[None]
            hook.after_train_iter(
                runner, index, dict(inputs=inputs), outputs)
        if to_the_end:
            runner.iter += 1
            hook.after_train(runner)
        return said

    return train


LEARNS = (1.2, 0.4, 5.)


class Explains:
    """A model whose flow leaves this share of the frames' difference."""

    def __init__(self, *shares):
        self.shares, self.calls = list(shares), 0

    def data_preprocessor(self, batch):
        assert batch['inputs'][0].shape == (1, 3, 2, 32, 32)
        return batch

    def photometric_errors(self, inputs):
        self.calls += 1
        return torch.tensor([8 * self.shares.pop(0), 8.])


def test_a_flow_that_explains_nothing_is_told(train):
    model = Explains(0.5, 1., 0.99, 0.9, float('nan'))
    said = train(*[LEARNS] * 35, model=model)
    # One judgement in five steps, after ten to warm up.
    assert model.calls == 5
    assert [step for step, _ in said] == [20, 35]
    assert 'no better than no flow' in said[0][1]
    assert 'by 8 grey levels with it and by 8 without' in said[0][1]


def test_frames_without_motion_are_not_explained(train):
    model = Explains()
    assert not train(*[LEARNS] * 30, model=model, frames=STILL)
    # Stacked flow from a cache is no frame.
    assert not train(*[LEARNS] * 30, model=model, frames=MOVING[:, :2])


@pytest.mark.parametrize('as_list', [True, False])
@pytest.mark.parametrize('norm', [0., 0.7])
def test_a_collapse_is_told_within_an_interval(train, norm, as_list):
    steps = [LEARNS] * 20 + [(norm, 0.001, 4.)] * 10
    (step, text), = train(*steps, as_list=as_list)
    assert step == 25
    assert 'collapsed' in text and 'image_scale' in text
    assert 'max_epochs' not in text


def test_no_collapse_where_nothing_moves_or_nothing_is_trained(train):
    collapsed = (0., 0., 4.)
    assert not train(*[collapsed] * 30, frames=STILL)
    # An untrained flow may be zero.
    assert not train(*[collapsed] * 10)
    assert train(*[collapsed] * 15)


def test_one_step_is_no_collapse(train):
    assert not train(*[LEARNS] * 24, (0., 0., 4.), *[LEARNS] * 5)


def test_a_recovery_makes_the_next_warning_possible(train):
    collapsed = (0., 0., 4.)
    said = train(*[LEARNS] * 15, *[collapsed] * 10, *[LEARNS] * 5,
                 *[collapsed] * 5)
    assert [step for step, _ in said] == [20, 35]


def test_an_explosion_is_told_from_large_motion(train):
    # The diagonal of the frames is 45 pixels.
    assert not train(*[(20., 5., 5.)] * 10)
    (step, text), = train(*[LEARNS] * 5, *[(40., 5., 5.)] * 5)
    assert step == 10 and 'explodes' in text and 'learning rate' in text


def test_a_loss_that_rises_is_told_but_not_across_stages(train):
    high = (1.2, 0.4, 60.)
    (step, text), = train(*[LEARNS] * 10, *[high] * 5)
    assert step == 15 and 'risen' in text and '60' in text
    stages = ['flow'] * 10 + ['joint'] * 10
    assert not train(*[LEARNS] * 10, *[high] * 10, stages=stages)


def test_a_model_without_flow_is_not_judged():
    hook = FlowHealthHook(interval=1)
    hub = MessageHub('test_flow_health_none')
    hook.after_train_iter(
        SimpleNamespace(message_hub=hub, iter=0), 0, None, dict(loss=1.))
    assert not hook._said


def test_a_training_too_short_for_a_flow_does_not_end_in_silence(train):
    # Shorter than an interval, and than the time to warm up.
    for number in (3, 9):
        said = train(*[LEARNS] * number, model=Explains(0.99),
                     to_the_end=True)
        (_, text), = said
        assert f'after {number} iterations' in text
        assert 'no better than no flow' in text and 'max_epochs' in text
    (_, text), = train(*[(0.01, 0.001, 4.)] * 3, to_the_end=True)
    assert 'the same everywhere' in text and 'max_epochs' in text
    assert not train(*[LEARNS] * 9, model=Explains(0.7), to_the_end=True)


def test_a_stage_too_short_is_told_when_the_next_begins(train):
    steps = [(0.01, 0.001, 4.)] * 8 + [LEARNS] * 12
    (step, text), = train(*steps, stages=['flow'] * 8 + ['joint'] * 12,
                          model=Explains(0.7), to_the_end=True)
    assert step == 9
    assert "of stage 'flow'" in text and 'after 8 iterations' in text


def test_a_flow_that_is_not_trained_is_not_too_short(train):
    assert not train(*[LEARNS] * 8, stages=['classifier'] * 8,
                     model=Explains(0.99), to_the_end=True)


def test_videos_without_motion_are_told_at_the_end(train):
    (_, text), = train(*[LEARNS] * 30, frames=STILL, to_the_end=True)
    assert 'hardly moved' in text and '0 grey levels' in text


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='interval of FlowHealthHook is 0'):
        FlowHealthHook(interval=0)
