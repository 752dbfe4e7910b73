# SPDX-License-Identifier: Apache-2.0
"""Save a training that is told to end."""
from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import distributed

from .safe_checkpoint import SafeCheckpointHook

_STATUS = 128 + signal.SIGTERM


@HOOKS.register_module()
class InterruptionHook(Hook):
    """End a training by SIGTERM with a checkpoint of the present iteration.

    A scheduler sends SIGTERM some time before it kills. The step is finished,
    ``SafeCheckpointHook`` writes ``interrupted.pth``, and the program ends
    with the status 143; ``resume=True`` goes on from there. A second SIGTERM
    ends it at once, unless it is writing already. Without
    ``SafeCheckpointHook`` nothing is done.

    All processes of a distributed training end after the same step, whenever
    each of them gets the signal.
    """

    # After all hooks that count a step.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._requested = False
        self._may_end_now = False
        self._saver: SafeCheckpointHook | None = None
        self._before: Any = None
        self._group: distributed.ProcessGroup | None = None

    def before_train(self, runner: Runner) -> None:
        """Wait for the signal from now on."""
        savers = [hook for hook in runner.hooks
                  if isinstance(hook, SafeCheckpointHook)]
        if not savers or (threading.current_thread()
                          is not threading.main_thread()):
            return
        self._saver, self._requested = savers[-1], False
        self._before = signal.signal(
            signal.SIGTERM, partial(self._note, runner))
        if is_distributed() and distributed.get_backend() != 'gloo':
            # Asking each other must not wait for a device.
            self._group = distributed.new_group(backend='gloo')

    def after_train_iter(self, runner: Runner, *args: Any,
                         **kwargs: Any) -> None:
        """End the training if any process was told to."""
        if self._saver is not None and self._is_requested():
            self._end(runner, runner.iter + 1)

    def before_val(self, runner: Runner) -> None:
        """End the training instead of a validation."""
        if self._saver is not None and self._is_requested():
            self._end(runner, runner.iter)

    def before_val_iter(self, runner: Runner, *args: Any,
                        **kwargs: Any) -> None:
        """Let the signal cut off this validation, which changes nothing."""
        self._may_end_now = self._saver is not None
        if self._may_end_now and self._requested:
            self._end(runner, runner.iter)

    def after_val_iter(self,
                       runner: Runner,
                       batch_idx: int,
                       data_batch: Any = None,
                       outputs: Any = None) -> None:
        """Complete the validation once all samples are predicted."""
        if batch_idx + 1 == len(runner.val_dataloader):
            self._may_end_now = False

    def after_train(self, runner: Runner) -> None:
        """Leave the signal to what the program does next."""
        if self._saver is None:
            return
        signal.signal(signal.SIGTERM, self._before)
        self._saver = None
        if self._requested:
            sys.exit(_STATUS)

    def _note(self, runner: Runner, *args: Any) -> None:
        """Handle the signal."""
        if self._requested:
            sys.exit(_STATUS)
        self._requested = True
        # A worker that got the signal as well must not stop the step.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if self._may_end_now:
            self._end(runner, runner.iter)

    def _is_requested(self) -> bool:
        if not is_distributed():
            return self._requested
        flag = torch.tensor(int(self._requested))
        distributed.all_reduce(
            flag, op=distributed.ReduceOp.MAX, group=self._group)
        return bool(flag)

    def _end(self, runner: Runner, iter: int) -> None:
        self._requested = True
        # torchrun sends SIGTERM once more when a process without a checkpoint
        # to write has ended.
        handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._saver.save_interrupted(runner, runner.epoch, iter)
        signal.signal(signal.SIGTERM, handler)
        runner.logger.info(
            f'Ended by SIGTERM in epoch {runner.epoch + 1} after iteration '
            f'{iter}; --resume goes on from there')
        sys.exit(_STATUS)
