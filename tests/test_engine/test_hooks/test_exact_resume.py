# SPDX-License-Identifier: Apache-2.0
"""Trainings that end amid an epoch or a validation, and go on."""
import os
import signal

import pytest
import torch
from mmengine.hooks import Hook

STEPS = 3  # of an epoch of the tiny runner
HOOKS = dict(
    epoch_seed=dict(type='EpochSeedHook'),
    interruption=dict(type='InterruptionHook'),
    exact_resume=dict(type='ExactResumeHook'))


class SendAt(Hook):
    """Send SIGTERM to this process in a step or a validation."""

    priority = 'HIGHEST'

    def __init__(self, when, iteration):
        self.when, self.iteration = when, iteration
        self.sent = False

    def _send(self, runner):
        if runner.iter == self.iteration and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)

    def before_train_iter(self, runner, *args, **kwargs):
        if self.when == 'step':
            self._send(runner)

    def after_train_epoch(self, runner):
        if self.when == 'end of the epoch':
            self._send(runner)

    def before_val_iter(self, runner, *args, **kwargs):
        if self.when == 'validation':
            self._send(runner)

    def after_val_epoch(self, runner, metrics=None):
        if self.when == 'end of the validation':
            self._send(runner)


@pytest.fixture
def build(tiny_runner):
    """Function that builds a runner with all that makes resuming exact."""

    def build(work_dir, length, checkpoint=None, **kwargs):
        hook = dict(
            type='SafeCheckpointHook', interval=1, save_best='tiny/score',
            rule='greater', backend_args=dict(backend='atomic'))
        settings = dict(
            train_cfg=dict(
                type='ResumableTrainLoop', max_epochs=length, val_interval=1),
            default_hooks=dict(
                checkpoint={**hook, **(checkpoint or {})}, **HOOKS))
        settings.update(kwargs)
        return tiny_runner(work_dir, length, **settings)

    return build


def weight(folder, name):
    content = torch.load(folder / name)
    return content['state_dict']['weight'], content['optimizer']


def assert_same(one, other):
    assert str(one) == str(other)


def warnings_of(runner, monkeypatch):
    said = []
    with monkeypatch.context() as patch:
        patch.setattr(runner.logger, 'warning',
                      lambda text, *args: said.append(str(text)))
        runner.train()
    return said


def train_until_sigterm(runner):
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            runner.train()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143


# When, after how many steps, how many are done at the end, and workers.
SIGNALS = [
    ('step', 0, 1, 0), ('step', 4, 5, 0), ('step', 4, 5, 2), ('step', 5, 6, 0),
    ('end of the epoch', 3, 3, 0), ('validation', 3, 3, 0),
    ('validation', 9, 9, 0), ('end of the validation', 3, 4, 0),
    ('end of the validation', 9, 9, 0),
]  # yapf: disable


@pytest.mark.parametrize('when, iteration, done, workers', SIGNALS)
def test_sigterm_saves_and_the_rest_is_the_same(build, tmp_path, when,
                                                iteration, done, workers,
                                                monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    loader = dict(num_workers=workers)
    whole = build(tmp_path / 'whole', 3, loader=loader)
    whole.train()
    assert signal.getsignal(signal.SIGTERM) == before
    folder = tmp_path / 'part'
    runner = build(folder, 3, loader=loader)
    runner.register_hook(SendAt(when, iteration))
    train_until_sigterm(runner)
    assert runner.model.seen == whole.model.seen[:done]
    rest = build(folder, 3, loader=loader, resume=True)
    validations = runner.val_evaluator.metrics[0].calls
    rest.val_evaluator.metrics[0].calls = validations
    assert warnings_of(rest, monkeypatch) == []
    assert rest.model.seen == whole.model.seen[done:]
    assert_same(weight(folder, 'epoch_3.pth'),
                weight(tmp_path / 'whole', 'epoch_3.pth'))
    # Each validation was the best once, and none was left out.
    assert rest.val_evaluator.metrics[0].calls == 3
    assert {path.name for path in folder.glob('*.pth')} == {
        'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth',
        'best_tiny_score_epoch_3.pth'
    }


@pytest.mark.parametrize('when', ['step', 'validation'])
def test_a_second_sigterm_lets_the_checkpoint_be_written(
        build, tmp_path, when, monkeypatch):
    """As torchrun sends it when another process has ended."""
    runner = build(tmp_path, 2)
    runner.register_hook(SendAt(when, STEPS))
    save = runner.save_checkpoint

    def terminated(*args, **kwargs):
        if 'interrupted.pth' in args:
            os.kill(os.getpid(), signal.SIGTERM)
        save(*args, **kwargs)

    monkeypatch.setattr(runner, 'save_checkpoint', terminated)
    train_until_sigterm(runner)
    assert (tmp_path / 'interrupted.pth').exists()


@pytest.mark.parametrize('done, workers', [(1, 0), (3, 0), (5, 0), (5, 1)])
def test_iteration_checkpoints_within_an_epoch(build, tmp_path, done,
                                               workers, monkeypatch):
    checkpoint = dict(by_epoch=False)
    loader = dict(num_workers=workers)
    whole = build(tmp_path, 3, checkpoint, loader=loader)
    whole.train()
    expected = weight(tmp_path, 'iter_9.pth')
    for later in range(done + 1, 10):
        (tmp_path / f'iter_{later}.pth').unlink()
    rest = build(tmp_path, 3, checkpoint, loader=loader, resume=True)
    assert warnings_of(rest, monkeypatch) == []
    assert rest.model.seen == whole.model.seen[done:]
    assert_same(weight(tmp_path, 'iter_9.pth'), expected)


def test_warns_of_what_cannot_be_repeated(build, tmp_path, monkeypatch):
    build(tmp_path, 1).train()
    rest = build(tmp_path, 2, resume=True, loader=dict(num_workers=1))
    said, = warnings_of(rest, monkeypatch)
    assert 'num_workers was 0, is 1' in said
    said, = warnings_of(
        build(tmp_path, 3, resume=True,
              loader=dict(num_workers=1, batch_size=3)), monkeypatch)
    assert 'batch_size was 2, is 3' in said and 'workers' not in said


def test_a_stock_loop_is_warned_of(build, tmp_path, monkeypatch):
    stock = dict(by_epoch=True, max_epochs=2, val_interval=1)
    checkpoint = dict(by_epoch=False)
    build(tmp_path, 2, checkpoint, train_cfg=stock).train()
    (tmp_path / 'iter_6.pth').unlink()
    said, = warnings_of(
        build(tmp_path, 2, checkpoint, train_cfg=stock, resume=True),
        monkeypatch)
    assert 'ResumableTrainLoop' in said


def test_a_validation_that_a_kill_cut_off_is_made_up(build, tmp_path,
                                                     monkeypatch):

    class Killed(BaseException):
        pass

    class Kill(Hook):

        def before_val_iter(self, runner, *args, **kwargs):
            raise Killed

    runner = build(tmp_path, 2)
    runner.register_hook(Kill())
    with pytest.raises(Killed):
        runner.train()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert not list(tmp_path.glob('best*'))
    # Also where nothing else is left to do, but only once.
    for length, calls in ((1, 1), (1, 0), (2, 1)):
        rest = build(tmp_path, length, resume=True)
        rest.train()
        assert rest.val_evaluator.metrics[0].calls == calls
        assert (tmp_path / 'best_tiny_score_epoch_1.pth').exists()
        # The next run knows it, so that it can remove it.
        infos = torch.load(tmp_path / 'epoch_1.pth')['message_hub'][
            'runtime_info']
        assert infos['best_score'] == 1
