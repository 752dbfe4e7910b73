# SPDX-License-Identifier: Apache-2.0
"""Staged training in real runs: learning rates, log and errors."""
import pytest

from uftsn_mmaction.engine.hooks import StagedTrainingHook

STEPS = 2  # of an epoch
BASE_LR = 1e-3
EXPECTED = ['flow'] * 2 + ['classifier'] * 2 + ['joint'] * 2


def repeat(values, times):
    return [value for value in values for _ in range(times)]


def test_rates_of_stages_and_parts_under_a_scheduler(staged_runner, tmp_path):
    """They replace the optimizer's rate; scheduler and lr_mult multiply."""
    runner = staged_runner(
        tmp_path,
        stages=[
            dict(name='flow', begin=0),
            dict(name='classifier', begin=2, lr=0.04),
            dict(
                name='joint', begin=4, lr=dict(
                    flow_estimator=2e-4, cls_head=0.2))
        ],
        optim_wrapper=dict(
            optimizer=dict(type='AdamW', lr=BASE_LR),
            paramwise_cfg=dict(
                custom_keys=dict(flow_estimator=dict(lr_mult=0.5)))),
        param_scheduler=dict(
            type='MultiStepLR', milestones=[1, 3, 5], gamma=0.1))
    runner.train()
    rates = dict(
        flow=dict(
            flow_estimator=BASE_LR, backbone=BASE_LR, cls_head=BASE_LR),
        classifier=dict(flow_estimator=0.04, backbone=0.04, cls_head=0.04),
        joint=dict(flow_estimator=2e-4, backbone=BASE_LR, cls_head=0.2))
    factors = repeat([1, 0.1, 0.1, 0.01, 0.01, 0.001], STEPS)
    assert len(runner.recorder.rates) == 6 * STEPS
    for step, (stage, factor) in enumerate(
            zip(repeat(EXPECTED, STEPS), factors)):
        for part, rate in rates[stage].items():
            mult = 0.5 if part == 'flow_estimator' else 1
            seen, = runner.recorder.rates[step][part]
            assert seen == pytest.approx(rate * factor * mult), step
    # The scheduler's own rate is what it would be without stages.
    groups = runner.optim_wrapper.optimizer.param_groups
    assert sorted({group['lr'] for group in groups}) == pytest.approx(
        [0.5 * BASE_LR * 1e-3, BASE_LR * 1e-3])


def test_one_rate_for_all_parts_in_one_group(staged_runner, tmp_path):
    runner = staged_runner(
        tmp_path,
        2,
        stages=[
            dict(name='flow', begin=0, lr=0.01),
            dict(name='joint', begin=1, lr=0.02)
        ],
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=BASE_LR)))
    runner.train()
    assert len(runner.optim_wrapper.optimizer.param_groups) == 1
    assert [r['backbone'] for r in runner.recorder.rates] == repeat(
        [{0.01}, {0.02}], STEPS)


def test_rates_of_stages_follow_the_batch_size(staged_runner, tmp_path):
    """``--auto-scale-lr`` scales all of them, as on several GPUs."""
    rates = []
    for name, base in (('one', None), ('four', 0.5)):
        scale = {} if base is None else dict(
            auto_scale_lr=dict(enable=True, base_batch_size=base))
        runner = staged_runner(
            tmp_path / name, 2,
            stages=[dict(name='flow', begin=0, lr=0.01),
                    dict(name='joint', begin=1)],
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=BASE_LR)),
            **scale)
        runner.train()
        rates.append([min(r['backbone']) for r in runner.recorder.rates])
    assert rates[0] == repeat([0.01, BASE_LR], STEPS)
    size = runner.train_dataloader.batch_size
    assert rates[1] == pytest.approx(
        [rate * size / 0.5 for rate in rates[0]])


@pytest.mark.parametrize('done', [0, 3])
def test_one_line_of_log_for_each_switch(staged_runner, tmp_path, monkeypatch,
                                         done):
    resume = {}
    if done:
        staged_runner(tmp_path / 'first', done).train()
        resume = dict(
            load_from=str(tmp_path / 'first' / f'epoch_{done}.pth'),
            resume=True)
    runner = staged_runner(tmp_path / 'second', log_level='INFO', **resume)
    lines = []
    monkeypatch.setattr(
        runner.logger, 'info', lambda text, *args: lines.append(str(text)))
    runner.train()
    lines = [line for line in lines if line.lower().startswith('stage')]
    names = list(dict.fromkeys(EXPECTED[done:]))
    assert [line.split("'")[1] for line in lines] == names
    total = sum(p.numel() for p in runner.model.parameters())
    assert 'epoch 4' in lines[-1] and '3 of 3' in lines[-1]
    assert 'cls x 1, flow x 0.1' in lines[-1]
    assert f'{total:,} of {total:,}' in lines[-1]
    assert 'lr flow_estimator 0.0001, backbone 0.001' in lines[-1]


@pytest.mark.parametrize('done', [0, 2])
def test_the_log_forgets_losses_of_an_earlier_stage(staged_runner, tmp_path,
                                                    done):
    """Or it would go on to print their last value; resumed at the border."""
    resume = {}
    if done:
        staged_runner(tmp_path / 'first', done).train()
        resume = dict(
            load_from=str(tmp_path / 'first' / f'epoch_{done}.pth'),
            resume=True)
    runner = staged_runner(tmp_path / 'second', 3, **resume)
    runner.train()
    scalars = runner.recorder.scalars[-1]
    assert 'train/loss_cls' in scalars and 'train/backbone_lr' in scalars
    assert not {
        'train/loss_census', 'train/loss_smoothness',
        'train/flow_estimator_lr'
    } & scalars
    if not done:
        assert 'train/loss_census' in runner.recorder.scalars[0]


def test_a_run_resumed_within_a_stage_keeps_its_log(staged_runner, tmp_path,
                                                    monkeypatch):
    said = []
    monkeypatch.setattr('mmengine.logging.message_hub.print_log',
                        lambda text, *args, **kwargs: said.append(text))
    staged_runner(tmp_path / 'first', 3).train()
    runner = staged_runner(
        tmp_path / 'second',
        4,
        load_from=str(tmp_path / 'first' / 'epoch_3.pth'),
        resume=True)
    runner.train()
    losses, _ = runner.message_hub.log_scalars['train/loss_cls'].data
    assert len(losses) == 2 * STEPS  # the whole of the classifier stage
    # The losses of the stage before it are not missed.
    assert not said


def test_the_log_holds_one_rate_a_step(staged_runner, tmp_path):
    """Not one per parameter group: checkpoints carry the whole history."""
    runner = staged_runner(tmp_path)
    runner.train()
    scalars = runner.message_hub.log_scalars
    for part in ('flow_estimator', 'backbone', 'cls_head'):
        rates, _ = scalars[f'train/{part}_lr'].data
        assert len(rates) == 2 * STEPS  # of the joint stage
        assert set(rates) == {1e-4 if part == 'flow_estimator' else BASE_LR}


def warnings_of(runner, monkeypatch):
    said = []
    monkeypatch.setattr(
        runner.logger, 'warning', lambda text, *args: said.append(text))
    runner.train()
    return [text for text in said if 'stage' in text.lower()]


@pytest.mark.parametrize('by_epoch', [True, False])
def test_warns_of_a_stage_that_will_not_run(staged_runner, tmp_path,
                                            monkeypatch, by_epoch):
    runner = staged_runner(tmp_path, 4, by_epoch=by_epoch)
    said, = warnings_of(runner, monkeypatch)
    unit = 'epoch' if by_epoch else 'iteration'
    # Of its begin and of the end of the training.
    assert "'joint'" in said and unit in said and said.count('4') == 2


@pytest.mark.parametrize('stages, words', [
    ([dict(name='joint', begin=0, train=['estimator'])],
     ["'joint'", "('estimator',)"]),
    ([dict(name='flow', begin=0),
      dict(name='joint', begin=1, losses=dict(flow=1.))],
     ["'joint'", "['backbone', 'cls_head']", "('flow',)"]),
    ([dict(name='joint', begin=0, lr=dict(estimator=1e-3))],
     ['lr', "'joint'", "['estimator']", 'flow_estimator']),
])
def test_stages_that_do_not_fit_the_model(staged_runner, tmp_path, stages,
                                          words):
    """Found before the first step, however late the stage begins."""
    runner = staged_runner(tmp_path, stages=stages)
    with pytest.raises(ValueError) as caught:
        runner.train()
    assert all(word in str(caught.value) for word in words)
    assert runner.iter == 0


def test_a_rate_per_part_needs_groups(staged_runner, tmp_path):
    runner = staged_runner(
        tmp_path, optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)))
    with pytest.raises(ValueError, match="'joint'.*paramwise_cfg"):
        runner.train()


def test_needs_a_model_with_stages(tiny_runner, tmp_path):
    runner = tiny_runner(
        tmp_path,
        1,
        custom_hooks=[
            dict(
                type='StagedTrainingHook',
                stages=[dict(name='flow', begin=0)])
        ])
    with pytest.raises(ValueError, match='set_stage.*TinyModel'):
        runner.train()


def test_stage_at_any_progress():
    hook = StagedTrainingHook([
        dict(name='flow', begin=0),
        dict(name='classifier', begin=2),
        dict(name='joint', begin=4)
    ])
    assert [hook.stage_at(n).name for n in range(6)] == EXPECTED
    assert hook.stage_at(1000).name == 'joint'


def test_epochs_in_a_loop_of_iterations(staged_runner, tmp_path):
    """The first stage would never end."""
    runner = staged_runner(
        tmp_path,
        by_epoch=False,
        custom_hooks=[
            dict(
                type='StagedTrainingHook',
                stages=[dict(name='flow', begin=0)])
        ])
    with pytest.raises(ValueError, match='by_epoch=False'):
        runner.train()
