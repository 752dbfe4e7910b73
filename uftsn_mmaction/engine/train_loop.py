# SPDX-License-Identifier: Apache-2.0
"""Epochs that a training can leave and enter after any step."""
from __future__ import annotations

from typing import Any

from mmaction.registry import LOOPS
from mmengine.dist import get_rank
from mmengine.runner import EpochBasedTrainLoop

from .random_state import set_random_state


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """``EpochBasedTrainLoop`` that can go on in the middle of an epoch.

    MMEngine would begin the epoch anew. This loop draws the batches of the
    finished steps again, without training on them, so that the workers of
    the data loader draw the random numbers that they had drawn.

    Attributes:
        step: Number of steps of the present epoch that are finished.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step = 0
        self._random_states: list[dict[str, Any]] = []

    def go_on_after(self, step: int,
                    random_states: list[dict[str, Any]]) -> None:
        """Skip the first steps of the next epoch.

        Args:
            step: Number of steps to skip.
            random_states: What :func:`.random_state.get_random_state`
                returned after the last of them, in each process.
        """
        self.step, self._random_states = step, random_states

    def run_epoch(self) -> None:
        """Train an epoch, or the rest of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        # The loader may have become shorter.
        self.step = min(self.step, len(self.dataloader))
        batches = iter(self.dataloader)
        try:
            for _ in range(self.step):
                next(batches)
            if self.step and get_rank() < len(self._random_states):
                set_random_state(self._random_states[get_rank()])
            for index in range(self.step, len(self.dataloader)):
                self.run_iter(index, next(batches))
                self.step += 1
        finally:
            # An exception would keep the workers until it is handled.
            del batches
        self.runner.call_hook('after_train_epoch')
        self.step = 0
        self._epoch += 1
