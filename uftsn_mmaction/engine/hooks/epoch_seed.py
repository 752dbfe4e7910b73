# SPDX-License-Identifier: Apache-2.0
"""Random numbers that depend on the epoch alone, so that runs can resume."""
from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from ...lifetime import leave_group
from ..random_state import get_random_state, set_random_state

# First number of every key, so that no two purposes share a stream.
_EPOCH, _WORKER, _STEP, _VALIDATION = range(4)


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and torch anew at the start of each epoch.

    The seed follows from ``(runner.seed, epoch, rank)``, so that a resumed
    run continues with the random numbers of the run that was not
    interrupted: MMEngine's checkpoints hold no random-number state. Workers
    are seeded from ``(runner.seed, epoch, rank, worker)``; MMEngine would
    start them with the same seed in each epoch, and augmentations would
    repeat.

    An iteration-based loop counts all iterations as epoch 0. There each
    training step and each validation gets random numbers of its own, and
    those of the data pipeline continue undisturbed: MMEngine, when it
    resumes, draws the batches of the finished steps again and drops them.

    The hook cannot reach workers that live on from epoch to epoch (set
    ``persistent_workers=False``), nor the order of the samples if
    ``randomness.seed`` is not set (the data loader is built before the seed
    is read from the checkpoint). It warns of both.

    Of several hooks of this kind the last one counts, so that one in
    ``custom_hooks`` replaces that of ``default_hooks``.
    """

    # Runs last before the data loader starts, so that no other hook draws
    # random numbers in between.
    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._is_replaced = False
        self._built_with: int | None = None
        self._worker_init_fn: Callable[[int], None] | None = None
        self._iter_based = False
        self._outer_state: dict | None = None

    def before_run(self, runner: Runner) -> None:
        """Remember the seed with which the data loader was built."""
        same = [h for h in runner.hooks if isinstance(h, EpochSeedHook)]
        self._is_replaced = same[-1] is not self
        self._built_with = runner.seed

    def before_train(self, runner: Runner) -> None:
        """Warn of settings with which a resumed run would differ."""
        if self._is_replaced:
            return
        loader = runner.train_dataloader
        self._iter_based = isinstance(runner.train_loop, IterBasedTrainLoop)
        self._worker_init_fn = loader.worker_init_fn
        if self._built_with != runner.seed:
            runner.logger.warning(
                f'The checkpoint was trained with seed {runner.seed}, but the '
                'data loader of this run was built with seed '
                f'{self._built_with}, so that the order of the samples '
                f'differs: set randomness=dict(seed={runner.seed}) to repeat '
                'it')
        if loader.persistent_workers and not self._iter_based:
            runner.logger.warning(
                'train_dataloader.persistent_workers is True, so that '
                'EpochSeedHook cannot seed the workers at each epoch and a '
                'resumed run sees other augmentations: set '
                'persistent_workers=False')

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process and the workers that are about to start."""
        if self._is_replaced:
            return
        key = (runner.seed, runner.epoch, get_rank())
        _seed_all(_EPOCH, *key)
        loader = runner.train_dataloader
        if loader.num_workers > 0:
            # The loader reads this attribute whenever it starts workers.
            loader.worker_init_fn = partial(
                _seed_worker, key=key, inner=self._worker_init_fn)

    def before_train_iter(self, runner: Runner, *args: Any,
                          **kwargs: Any) -> None:
        """Give the step of an iteration-based loop its own numbers."""
        self._enter(_STEP, runner)

    def before_val(self, runner: Runner) -> None:
        """Give a validation between two steps its own numbers."""
        self._enter(_VALIDATION, runner)

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        """Let the data pipeline continue where it was."""
        if self._outer_state is not None:
            set_random_state(self._outer_state)
            self._outer_state = None

    after_val = after_train_iter

    def _enter(self, purpose: int, runner: Runner) -> None:
        if self._iter_based and not self._is_replaced:
            self._outer_state = get_random_state()
            _seed_all(purpose, runner.seed, runner.iter, get_rank())


def _seed_all(*key: int) -> None:
    """Seed Python, NumPy and torch (all devices) from several integers."""
    # Mixed, so that neighbouring epochs, ranks and seeds share no stream, as
    # they would if their sum were the seed.
    words = np.random.SeedSequence(key).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.manual_seed((int(words[2]) << 32) + int(words[3]))


def _seed_worker(worker_id: int, key: tuple[int, int, int],
                 inner: Callable[[int], None] | None) -> None:
    """Seed the worker of the data loader in which this runs."""
    # A signal to the whole job must not stop the step that needs its batch.
    leave_group()
    if inner is not None:
        # The function of the loader may do more than seeding.
        inner(worker_id)
    _seed_all(_WORKER, *key, worker_id)
