# SPDX-License-Identifier: Apache-2.0
"""Let a resumed training be the one that was not interrupted, or say so."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import (
    all_gather_object,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from ...fileio.atomic import AtomicLocalBackend
from ..random_state import get_random_state
from ..train_loop import ResumableTrainLoop


def note_position(runner: Runner, meta: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint needs besides MMEngine's own content.

    All processes have to call it at the same iteration.

    Args:
        runner: Runner that trains.
        meta: ``epoch`` and ``iter`` that the checkpoint will have.
    """
    loop, step = runner.train_loop, 0
    if (isinstance(loop, ResumableTrainLoop)
            and meta['epoch'] == loop.epoch):
        # After a step, MMEngine's hooks run before it is counted.
        step = loop.step + meta['iter'] - loop.iter
    return dict(
        step=step,
        random_states=all_gather_object(get_random_state()) if step else [],
        # Until the end of an epoch, each process has statistics of its own.
        buffers=all_gather_object(
            [buffer.cpu() for buffer in runner.model.buffers()])
        if step and get_world_size() > 1 else [],
        sources=_sources(runner))


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Resume within an epoch, and make up for a validation that was cut off.

    With ``SafeCheckpointHook`` and ``ResumableTrainLoop`` a training goes on
    after any step as if nothing had happened. The hook warns where it cannot,
    for example with another number of workers.
    """

    # After the hooks that prepare the training.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._position: dict[str, Any] = {}
        self._trains = False

    def after_load_checkpoint(self, runner: Runner,
                              checkpoint: dict[str, Any]) -> None:
        """Keep the position until it is known whether the run resumes."""
        self._position = checkpoint.get('meta', {}).get('position', {})

    def before_train(self, runner: Runner) -> None:
        """Go to the position, and make up for the validation before it."""
        self._trains = True
        if not runner.iter:
            if is_main_process():
                _validated_file(runner).unlink(missing_ok=True)
            return
        now = _sources(runner)
        before = self._position.get('sources', now)
        changes = [f'{name} was {before[name]}, is {now[name]}'
                   for name in now if before.get(name) != now[name]]
        if changes:
            runner.logger.warning(
                'The training goes on, but not exactly as it would have '
                f'without the interruption: {", ".join(changes)}')
        loop, step = runner.train_loop, self._position.get('step', 0)
        if step and isinstance(loop, ResumableTrainLoop):
            loop.go_on_after(step, self._position['random_states'])
            of_all = self._position['buffers']
            if get_rank() < len(of_all):
                for buffer, value in zip(runner.model.buffers(),
                                         of_all[get_rank()]):
                    buffer.copy_(value)
        elif (isinstance(loop, EpochBasedTrainLoop) and not changes
              and loop.iter % len(loop.dataloader)):
            runner.logger.warning(
                f'The checkpoint was written within epoch {loop.epoch + 1}, '
                'which begins anew; set train_cfg.type to ResumableTrainLoop '
                'and default_hooks.checkpoint.type to SafeCheckpointHook to '
                'go on from the next step')
        elif _is_validation_missing(runner):
            runner.logger.info('Makes up for the validation that the '
                               'interruption cut off')
            runner.val_loop.run()

    def after_val(self, runner: Runner) -> None:
        """Remember that this validation is complete."""
        if self._trains and is_main_process():
            AtomicLocalBackend().put_text(
                str(runner.iter), _validated_file(runner))

    def after_train(self, runner: Runner) -> None:
        """Forget the training; a validation may follow it."""
        self._trains = False


def _sources(runner: Runner) -> dict[str, int]:
    """Return what decides which samples and random numbers a step gets."""
    loader = runner.train_dataloader
    return dict(
        num_workers=loader.num_workers,
        batch_size=loader.batch_size,
        processes=get_world_size(),
        samples=len(loader.dataset))


def _validated_file(runner: Runner) -> Path:
    """Return the file with the iteration of the last validation."""
    return Path(runner.work_dir, 'last_validation')


def _is_validation_missing(runner: Runner) -> bool:
    """Return whether a validation was due, but was not finished."""
    loop, file = runner.train_loop, _validated_file(runner)
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    done = loop.epoch if by_epoch else loop.iter
    last = loop.max_epochs if by_epoch else loop.max_iters
    loop._decide_current_val_interval()
    if (runner.val_loop is None or done < loop.val_begin
            or (done % loop.val_interval and done != last)):
        return False
    text = file.read_text('utf-8') if file.is_file() else ''
    return not text.isdecimal() or int(text) < loop.iter
