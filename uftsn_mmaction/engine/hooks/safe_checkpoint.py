# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of which no interruption, copy or damage loses the last."""
from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ...fileio.atomic import AtomicLocalBackend, remove_leftovers
from ...fileio.sound_checkpoint import (
    INTERRUPTED,
    check_sound,
    list_checkpoints,
    newest_sound,
)
from .exact_resume import note_position


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """``CheckpointHook`` that resumes from what is there and loses nothing.

    With ``resume=True`` a training goes on from the newest sound checkpoint
    that lies in its folder, wherever the folder has been moved to, and says
    which one it is and what it passed over. ``last_checkpoint`` is for the
    reader: it holds the name of the file, without its folder.

    A new training does not begin over the checkpoints of an earlier one, and
    an old checkpoint is removed only after the next one is written. What
    kills left half written is removed.

    The arguments are those of ``CheckpointHook``; set
    ``backend_args=dict(backend='atomic')``, so that a kill does not leave
    half a file.
    """

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint to resume from, or check the one given.

        Raises:
            ValueError: If a file cannot be resumed from, and there is no
                other one.
        """
        # Otherwise MMEngine warns at each checkpoint that there are none.
        if runner.param_schedulers is None:
            runner.param_schedulers = []
        if not runner._resume:
            return
        given, folder = runner._load_from, self._folder(runner)
        if given is not None:
            if osp.isfile(given):
                try:
                    check_sound(given)
                except ValueError as error:
                    raise ValueError(
                        f'The training cannot resume from {given!r}: {error}; '
                        'give --resume alone to take the newest sound '
                        'checkpoint of the work dir') from error
            return
        path, progress, faults = newest_sound(folder, self.filename_tmpl)
        passed = '; '.join(f'{name}: {fault}'
                           for name, fault in sorted(faults.items()))
        if path is not None:
            runner._load_from = str(path)
            passed = passed and f'; passed over: {passed}'
            runner.logger.info(
                f'Resumes from {path.name} ({progress}), the newest sound '
                f'checkpoint in {folder!r}{passed}')
        elif faults:
            raise ValueError(
                f'The training cannot resume from {folder!r} ({passed}); '
                'remove these files to begin anew, or give --resume FILE')
        else:
            runner.logger.info(f'{folder!r} has no checkpoint to resume from, '
                               'so that the training begins anew')

    def before_train(self, runner: Runner) -> None:
        """Refuse to begin over another training; follow a moved folder.

        Raises:
            ValueError: If a new training would overwrite checkpoints.
        """
        folder = self._folder(runner)
        found = list_checkpoints(folder, self.filename_tmpl)
        if not runner.iter and found:
            raise ValueError(
                f'{folder!r} holds {len(found)} checkpoints of an earlier '
                f'training, such as {min(found).name}; give --resume to go '
                'on, or choose another --work-dir to begin anew')
        super().before_train(runner)
        if is_main_process():
            for each in {self.out_dir, runner.work_dir}:
                remove_leftovers(each)
        if runner.iter:
            # MMEngine keeps the best score only beside an earlier checkpoint.
            self.last_ckpt = runner._load_from
        # The checkpoint names its folder as it was when it was written. In a
        # copy, the best file of the original would be removed.
        infos = runner.message_hub.runtime_info
        for key in [key for key in infos if key.startswith('best_ckpt')]:
            infos[key] = osp.join(folder, osp.basename(infos[key]))
        if getattr(self, 'best_ckpt_path', None):
            self.best_ckpt_path = infos['best_ckpt']
        for name, best in getattr(self, 'best_ckpt_path_dict', {}).items():
            if best:
                self.best_ckpt_path_dict[name] = infos[f'best_ckpt_{name}']

    def _folder(self, runner: Runner) -> str:
        """Return the folder of the checkpoints, as MMEngine joins it."""
        work_dir = runner.work_dir
        if self.out_dir in (None, work_dir) or hasattr(self, 'file_backend'):
            return self.out_dir or work_dir
        return osp.join(self.out_dir, osp.basename(work_dir.rstrip(osp.sep)))

    def _save_checkpoint_with_step(self, runner: Runner, step: int,
                                   meta: dict[str, Any]) -> None:
        # MMEngine's own would remove first, and write the pointer in place.
        outdated = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            steps = [*self.keep_ckpt_ids, step]
            outdated = steps[:-self.max_keep_ckpts]
            self.keep_ckpt_ids.append(step)
            # A run that is killed before the removal makes it up.
            runner.message_hub.update_info('keep_ckpt_ids', steps)
        self._write(runner, self.filename_tmpl.format(step), meta)
        if not is_main_process():
            return
        for old in [self.filename_tmpl.format(old) for old in outdated]:
            self._remove(old)
        self._remove(INTERRUPTED)

    def _save_best_checkpoint(self, runner: Runner,
                              metrics: Mapping[str, float]) -> None:
        # MMEngine removes the old file before it writes the new one. Without
        # a training, as by ``runner.val()``, there is nothing to save.
        backend = getattr(self, 'file_backend', None)
        if backend is None:
            return
        self.file_backend = late = _LateRemoval(backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        best = [getattr(self, 'best_ckpt_path', None),
                *getattr(self, 'best_ckpt_path_dict', {}).values()]
        for path in late.outdated:
            # It may have been written again.
            if path not in best:
                backend.remove(path)

    def save_interrupted(self, runner: Runner, epoch: int, iter: int) -> None:
        """Save the training as it is, until the next checkpoint.

        Args:
            runner: Runner that trains.
            epoch, iter: Number of epochs and iterations that are finished.
        """
        self._write(runner, INTERRUPTED, dict(epoch=epoch, iter=iter))

    def _write(self, runner: Runner, name: str, meta: dict[str, Any]) -> None:
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        meta['position'] = note_position(runner, meta)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args)
        if is_main_process():
            AtomicLocalBackend().put_text(
                osp.relpath(self.last_ckpt, runner.work_dir),
                Path(runner.work_dir, 'last_checkpoint'))

    def _remove(self, name: str) -> None:
        path = self.file_backend.join_path(self.out_dir, name)
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)


class _LateRemoval:
    """File backend that only notes what to remove."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.outdated: list[str] = []
        self.remove = self.outdated.append

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
