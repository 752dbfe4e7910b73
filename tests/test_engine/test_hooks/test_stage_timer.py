# SPDX-License-Identifier: Apache-2.0
"""The time left of a training whose stages differ in cost."""
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from uftsn_mmaction.engine.hooks import StagedTrainingHook, StageTimerHook

STAGES = dict(flow=dict(begin=0), classifier=dict(begin=2),
              joint=dict(begin=3))
# Seconds of a step.
COSTS = dict(flow=4., classifier=1., joint=9.)


@pytest.fixture
def times_left(monkeypatch):
    """Function that runs a timer over steps; returns the time left after."""

    def run(steps, start=0, hooks=None, by_epoch=True):
        clock = [0.]
        monkeypatch.setattr('time.time', lambda: clock[0])
        length = 10 if by_epoch else 1
        staged = StagedTrainingHook(STAGES, by_epoch)
        runner = SimpleNamespace(
            hooks=[staged] if hooks is None else hooks, iter=start,
            train_dataloader=range(10), max_iters=5 * length,
            message_hub=MessageHub('test_stage_timer'))
        timer = StageTimerHook()
        timer.before_train(runner)
        timer.before_train_epoch(runner)
        found = []
        for runner.iter in range(start, start + steps):
            timer.before_train_iter(runner, 0)
            clock[0] += COSTS[staged.stage_at(runner.iter // length).name]
            timer.after_train_iter(runner, 0)
            found.append(runner.message_hub.get_info('eta'))
        return found

    return run


def test_each_stage_has_its_cost(times_left):
    left = times_left(50)
    # Nothing is known of the classifier, so it is taken for as slow, and the
    # joint stage for both.
    assert left[0] == 19 * 4 + 10 * 4 + 20 * 8
    assert left[19] == 10 * 4 + 20 * 8
    # In the second stage: the joint one trains what both train.
    assert left[20] == 9 * 1 + 20 * (4 + 1)
    assert left[29] == 20 * 5
    # Known from its first step on.
    assert left[30] == 19 * 9 and left[49] == 0


def test_a_resumed_run_goes_by_what_it_sees(times_left):
    left = times_left(25, start=25)
    assert left[0] == 4 * 1 + 20 * (1 + 1)
    assert left[5] == 19 * 9


def test_stages_of_iterations(times_left):
    assert times_left(5, by_epoch=False) == [
        1 * 4 + 4 + 2 * 8, 4 + 2 * 8, 2 * 5, 9, 0]


def test_without_stages_it_is_the_mean_of_all_steps(times_left):
    left = times_left(50, hooks=[])
    assert left[0] == 49 * 4
    assert left[29] == pytest.approx(20 * (20 * 4 + 10 * 1) / 30)
