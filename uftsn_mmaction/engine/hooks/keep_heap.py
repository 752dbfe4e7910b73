# SPDX-License-Identifier: Apache-2.0
"""Spare runs on a CPU the page faults of their tensors."""
from __future__ import annotations

from mmaction.registry import HOOKS
from mmengine.device import get_device
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...heap import keep_heap


@HOOKS.register_module()
class KeepHeapHook(Hook):
    """Keep freed memory in the process of a training or test on a CPU.

    Nothing happens where there is an accelerator, whose memory PyTorch
    itself keeps, or where :func:`keep_heap` leaves the heap alone.
    """

    # Before the first tensors of the other hooks.
    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Set the heap for a training, and say so."""
        self._keep(runner)

    def before_test(self, runner: Runner) -> None:
        """Set the heap for a test, and say so."""
        self._keep(runner)

    def _keep(self, runner: Runner) -> None:
        if get_device() == 'cpu' and keep_heap():
            runner.logger.info(
                'glibc keeps freed memory in this process, which saves page '
                'faults; set MALLOC_TRIM_THRESHOLD_ in the environment to '
                'choose otherwise')
