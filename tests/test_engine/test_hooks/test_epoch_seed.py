# SPDX-License-Identifier: Apache-2.0
import random

import numpy as np
import pytest
import torch

from uftsn_mmaction.engine.hooks import epoch_seed

HOOK = [dict(type='EpochSeedHook')]
STEPS = 3  # of an epoch of the tiny runner


def train(runner):
    """Return what the model saw and drew in each step."""
    runner.train()
    return runner.model.seen


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()


def same_in_every_epoch(worker_id):
    """Seed a worker alike in every epoch, as MMEngine does."""
    np.random.seed(worker_id)


def augmentations(seen):
    """Draws of the data pipeline in each epoch."""
    return [[step[1] for step in seen[start:start + STEPS]]
            for start in range(0, len(seen), STEPS)]


@pytest.mark.parametrize('loader', [
    dict(),
    dict(num_workers=1),
    dict(num_workers=1, worker_init_fn=dict(type=same_in_every_epoch)),
])
def test_resumed_epochs_equal_those_of_one_run(tiny_runner, tmp_path, loader):
    whole = train(
        tiny_runner(tmp_path / 'a', 3, loader=loader, custom_hooks=HOOK))
    train(tiny_runner(tmp_path / 'b', 1, loader=loader, custom_hooks=HOOK))
    rest = train(
        tiny_runner(
            tmp_path / 'b', 3, loader=loader, custom_hooks=HOOK, resume=True))
    assert rest == whole[STEPS:]
    first, second, third = augmentations(whole)
    assert first != second != third


def test_without_the_hook_resumed_epochs_differ(tiny_runner, tmp_path):
    """The reason for the hook; when this fails, MMEngine does its work."""
    whole = train(tiny_runner(tmp_path / 'a', 2))
    train(tiny_runner(tmp_path / 'b', 1))
    rest = train(tiny_runner(tmp_path / 'b', 2, resume=True))
    assert [step[0] for step in rest] == [step[0] for step in whole[STEPS:]]
    assert rest != whole[STEPS:]


def test_resumed_weights_equal_those_of_one_run(tiny_runner, tmp_path):
    runs = [
        tiny_runner(tmp_path / 'a', 2, custom_hooks=HOOK),
        tiny_runner(tmp_path / 'b', 1, custom_hooks=HOOK),
        tiny_runner(tmp_path / 'b', 2, custom_hooks=HOOK, resume=True)
    ]
    for run in runs:
        run.train()
    whole, half, rest = (run.model.weight for run in runs)
    assert torch.equal(rest, whole) and not torch.equal(half, whole)


def test_iteration_based_loop(tiny_runner, tmp_path):
    """Resuming amid an epoch, with validations before and after."""
    hooks = dict(
        checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))
    settings = dict(by_epoch=False, default_hooks=hooks, custom_hooks=HOOK)
    whole = train(tiny_runner(tmp_path / 'a', 5, **settings))
    train(tiny_runner(tmp_path / 'b', 2, **settings))
    rest = train(tiny_runner(tmp_path / 'b', 5, resume=True, **settings))
    assert rest == whole[2:]
    assert len({step[2] for step in whole}) == 5


def test_seed_decides(tiny_runner, tmp_path):
    first, same, other = (
        train(
            tiny_runner(
                tmp_path, 1, custom_hooks=HOOK, randomness=dict(seed=seed)))
        for seed in (0, 0, 1))
    assert first == same
    assert augmentations(first) != augmentations(other)


def test_ranks_draw_differently(tiny_runner, tmp_path, monkeypatch):
    seen = []
    for rank in (0, 1):
        monkeypatch.setattr(epoch_seed, 'get_rank', lambda rank=rank: rank)
        seen.append(train(tiny_runner(tmp_path, 1, custom_hooks=HOOK)))
    assert augmentations(seen[0]) != augmentations(seen[1])


def test_keys_that_sum_alike_share_no_stream():
    streams = set()
    for key in [(0, 1, 2, 0), (0, 2, 1, 0), (0, 1, 1, 1), (1, 1, 1, 0),
                (2, 1, 2, 0, 0), (2, 1, 2, 0, 1)]:
        epoch_seed._seed_all(*key)
        streams.add(draws())
    assert len(streams) == 6


def test_validation_alone_needs_no_training(tiny_runner, tmp_path):
    runner = tiny_runner(tmp_path, 1, custom_hooks=HOOK)
    assert runner.val() == {'tiny/score': 1.0}


def warnings_of(runner, monkeypatch):
    said = []
    monkeypatch.setattr(
        runner.logger, 'warning', lambda text, *args: said.append(text))
    runner.train()
    return [text for text in said if 'seed' in text.lower()]


def test_warns_of_a_seed_that_came_too_late(tiny_runner, tmp_path,
                                            monkeypatch):
    unset = dict(custom_hooks=HOOK, randomness=dict(seed=None))
    first = tiny_runner(tmp_path, 1, **unset)
    assert warnings_of(first, monkeypatch) == []
    second = tiny_runner(tmp_path, 2, resume=True, **unset)
    said, = warnings_of(second, monkeypatch)
    assert f'randomness=dict(seed={first.seed})' in said
    # With the cure the order of the samples is that of the first run.
    cured = tiny_runner(
        tmp_path,
        2,
        resume=True,
        load_from=str(tmp_path / 'epoch_1.pth'),
        custom_hooks=HOOK,
        randomness=dict(seed=first.seed))
    assert warnings_of(cured, monkeypatch) == []


def test_warns_of_persistent_workers(tiny_runner, tmp_path, monkeypatch):
    loader = dict(num_workers=1, persistent_workers=True)
    runner = tiny_runner(tmp_path, 1, loader=loader, custom_hooks=HOOK)
    said, = warnings_of(runner, monkeypatch)
    assert 'persistent_workers=False' in said
