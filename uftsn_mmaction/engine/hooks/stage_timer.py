# SPDX-License-Identifier: Apache-2.0
"""The time that a training in stages still takes."""
from __future__ import annotations

from collections import defaultdict
from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import IterTimerHook
from mmengine.runner import Runner

from .stage import Stage
from .staged_training import StagedTrainingHook


@HOOKS.register_module()
class StageTimerHook(IterTimerHook):
    """``IterTimerHook`` that knows that the steps of stages differ in cost.

    A stage that has run costs what its steps took on average. One that is
    still to come costs what the stages before it cost that train some of its
    parts, such as ``flow`` and ``classifier`` before ``joint``; without any,
    what the present one costs. Validations are not in it, as in MMEngine.

    Without a ``StagedTrainingHook`` it is ``IterTimerHook``.
    """

    def before_train(self, runner: Runner) -> None:
        """Learn the stages and where they begin, in iterations."""
        super().before_train(runner)
        hooks = [hook for hook in runner.hooks
                 if isinstance(hook, StagedTrainingHook)]
        self._stages = hooks[-1].stages if hooks else ()
        length = (len(runner.train_dataloader)
                  if hooks and hooks[-1].by_epoch else 1)
        self._begins = [stage.begin * length for stage in self._stages]
        self._seconds: dict[str, float] = defaultdict(float)
        self._steps: dict[str, int] = defaultdict(int)

    def _after_iter(self,
                    runner: Runner,
                    batch_idx: int,
                    data_batch: Any = None,
                    outputs: Any = None,
                    mode: str = 'train') -> None:
        super()._after_iter(runner, batch_idx, data_batch, outputs, mode)
        if mode != 'train' or not self._stages:
            return
        hub, done = runner.message_hub, runner.iter + 1
        present = sum(begin < done for begin in self._begins) - 1
        name = self._stages[present].name
        self._seconds[name] += hub.get_scalar('train/time').current()
        self._steps[name] += 1
        ends = [*self._begins[1:], runner.max_iters]
        costs: dict[str, float] = {}
        left = 0.
        for stage, begin, end in zip(self._stages, self._begins, ends):
            costs[stage.name] = self._cost(stage, costs, name)
            steps = min(end, runner.max_iters) - max(begin, done)
            left += max(0, steps) * costs[stage.name]
        hub.update_info('eta', left)

    def _cost(self, stage: Stage, costs: dict[str, float],
              present: str) -> float:
        """Return the seconds of a step, given those of earlier stages."""
        if self._steps[stage.name]:
            return self._seconds[stage.name] / self._steps[stage.name]
        parts = [costs[other.name] for other in self._stages
                 if other.name in costs and {*other.train} < {*stage.train}]
        return sum(parts) or self._seconds[present] / self._steps[present]
