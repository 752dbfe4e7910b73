# SPDX-License-Identifier: Apache-2.0
"""A value that is not finite spoils neither weights nor checkpoints."""
import logging
import math
import re
from types import SimpleNamespace

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.logging import MessageHub
from mmengine.model import BaseModel

from uftsn_mmaction.engine.hooks import FiniteTrainingHook

CLIP = dict(clip_grad=dict(max_norm=1.), optimizer=dict(type='Adam', lr=0.1))
FREE = dict(optimizer=dict(type='Adam', lr=0.1))


class Poisoned(BaseModel):
    """A network with statistics that gets bad input in some steps."""

    def __init__(self, bad=(), where='input'):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.head = torch.nn.Linear(3, 1)
        self.bad, self.where, self.calls = bad, where, 0

    def forward(self, inputs, index, mode='tensor'):
        is_bad = self.calls in self.bad and mode == 'loss'
        self.calls += mode == 'loss'
        if is_bad and self.where == 'input':
            inputs = inputs * math.nan
        x = self.head(self.norm(inputs))
        if mode != 'loss':
            return [x]
        loss = (x**2).mean()
        if is_bad and self.where == 'gradient':
            # The root is 0, its derivative infinite.
            loss = loss + (x * 0).abs().sqrt().sum()
        if is_bad and self.where == 'loss':
            loss = loss + math.inf
        return dict(loss=loss)


@pytest.fixture
def train(tiny_runner, tmp_path):
    """Function that trains the model for 12 steps in 4 epochs."""

    def train(model, length=4, optim_wrapper=CLIP, **hook):
        runner = tiny_runner(
            tmp_path, length, model=model, optim_wrapper=optim_wrapper,
            val_dataloader=None, val_cfg=None, val_evaluator=None,
            train_cfg=dict(by_epoch=True, max_epochs=length),
            default_hooks=dict(
                finite_training=dict(type='FiniteTrainingHook', **hook),
                checkpoint=dict(
                    type='CheckpointHook', interval=1, max_keep_ckpts=1)))
        said = []
        handler = logging.Handler(logging.WARNING)
        handler.addFilter(lambda record: 'finite' in record.getMessage())
        handler.emit = lambda record: said.append(record.getMessage())
        runner.logger.addHandler(handler)
        runner.said = said
        runner.train()
        return runner

    return train


def is_finite(state):
    return all(value.isfinite().all() for value in state.values())


@pytest.mark.parametrize('optim_wrapper', [CLIP, FREE])
@pytest.mark.parametrize('where', ['input', 'gradient'])
def test_a_skipped_step_leaves_no_trace(train, optim_wrapper, where):
    runner = train(Poisoned({4, 5}, where), optim_wrapper=optim_wrapper)
    assert is_finite(runner.model.state_dict())
    assert runner.optim_wrapper.optimizer.state
    steps = {int(state['step']) for state in
             runner.optim_wrapper.optimizer.state.values()}
    assert steps == {10}
    # The statistics are those of the ten good steps alone.
    assert runner.model.norm.num_batches_tracked == 10
    assert len([line for line in runner.said if 'iteration' in line]) == 2
    assert '2 training steps were skipped' in runner.said[-1]


def test_the_rest_of_a_run_is_what_it_would_have_been(train):
    """Without a bad step, the hook changes nothing."""
    torch.manual_seed(0)
    with_hook = train(Poisoned()).model.state_dict()
    torch.manual_seed(0)
    other = train(Poisoned(), max_skipped=3).model.state_dict()
    for name, value in with_hook.items():
        assert torch.equal(value, other[name])


def test_what_was_not_finite_is_named(train):
    runner = train(Poisoned({4}))
    assert re.search("iteration 5, the losses .*'loss'.* skipped .1 so far, "
                     '10 may', runner.said[0])
    runner = train(Poisoned({4}, 'gradient'))
    assert 'the gradient cannot' in runner.said[0]
    # A constant has no gradient, so that the step is harmless.
    runner = train(Poisoned({4}, 'loss'))
    assert "'loss'" in runner.said[0] and 'taken' in runner.said[0]
    assert runner.message_hub.get_info('skipped_steps') == 0


def test_too_many_stop_the_run_and_leave_a_sound_checkpoint(train, tmp_path):
    with pytest.raises(ValueError, match='iteration 7.*3 steps .*=2 of'):
        train(Poisoned({4, 5, 6, 7}), max_skipped=2)
    file, = tmp_path.glob('epoch_*.pth')
    assert is_finite(torch.load(file)['state_dict'])
    with pytest.raises(ValueError, match='iteration 1,'):
        train(Poisoned({0}), max_skipped=0)


def test_no_checkpoint_of_a_spoiled_model_is_written(train, tmp_path):

    class Spoiled(Poisoned):
        """Some other fault turns a weight to NaN after its last gradient."""

        def forward(self, *args, **kwargs):
            outputs = super().forward(*args, **kwargs)
            if self.calls == 6:
                self.norm.running_mean = torch.full((3, ), math.nan)
            return outputs

    with pytest.raises(ValueError, match='norm.running_mean.*not finite'):
        train(Spoiled())
    # The only one that may be kept is still there.
    file, = tmp_path.glob('epoch_*.pth')
    assert file.name == 'epoch_1.pth'
    assert is_finite(torch.load(file)['state_dict'])


def test_an_optimizer_that_is_not_finite_is_refused():
    hook = FiniteTrainingHook()
    sound = dict(state_dict=dict(w=torch.ones(2)), meta={})
    hook.before_save_checkpoint(None, sound)
    state = dict(state={0: dict(exp_avg=torch.tensor([1., math.inf]))})
    with pytest.raises(ValueError, match='optimizer.state.0.exp_avg'):
        hook.before_save_checkpoint(None, dict(sound, optimizer=state))


def test_stage_and_videos_are_named():
    hub = MessageHub('test_finite_training')
    hub.update_info('stage', 'flow')
    hub.update_scalar('train/loss_census', math.nan)
    samples = [ActionDataSample(metainfo=dict(filename=f'{name}.avi'))
               for name in 'ab']
    said = []
    FiniteTrainingHook().after_train_iter(
        SimpleNamespace(
            message_hub=hub, iter=3,
            logger=SimpleNamespace(warning=said.append)), 0,
        dict(data_samples=samples), dict(loss_census=torch.tensor(math.nan)))
    for word in ("'flow'", "'loss_census'", "'a.avi', 'b.avi'",
                 'iteration 4'):
        assert word in said[0]


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match='max_skipped .* -1'):
        FiniteTrainingHook(-1)
