# SPDX-License-Identifier: Apache-2.0
"""Refuse checkpoints that fill a model in part, or not at all."""
from __future__ import annotations

from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ...fileio.checkpoint import check_local, load_weights, tensors_of

_CURE = 'name the checkpoint of this config'


@HOOKS.register_module()
class CompleteCheckpointHook(Hook):
    """Stop a test or a validation whose checkpoint does not fill the model.

    The stock runner logs what is missing or has another shape and goes on,
    so that the metrics are those of random weights. A training may start
    from a part of a model, but not from a checkpoint without any of it.
    """

    # After hooks that change the checkpoint, such as EMAHook.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._fault: ValueError | None = None
        self._is_foreign = False

    def before_run(self, runner: Runner) -> None:
        """Refuse a file that would take all memory when it is read.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file asks for more memory than it can fill.
        """
        path = runner._load_from
        if path is not None and '://' not in path:
            check_local(path, 'the model', _CURE)

    def after_load_checkpoint(self, runner: Runner,
                              checkpoint: dict[str, Any]) -> None:
        """Find out how much of the model the checkpoint fills."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        about = str(runner.cfg.get('load_from')), 'the model', _CURE
        self._fault, self._is_foreign = None, False
        try:
            weights = tensors_of(checkpoint, *about)
            expected = model.state_dict()
            names = {name.removeprefix('module.') for name in weights}
            self._is_foreign = names.isdisjoint(expected)
            # The runner loads the same tensors again.
            load_weights(
                model, *about, weights=weights, allow_unexpected=True)
        except ValueError as error:
            self._fault = error

    def before_train(self, runner: Runner) -> None:
        """Forget the checkpoint that a training started from.

        Raises:
            ValueError: If it has no tensor of the model.
        """
        if self._is_foreign:
            raise ValueError(
                f'{self._fault}, or load a part of the model by its own '
                "init_cfg=dict(type='Pretrained', checkpoint=...)")
        self._fault = None

    def before_test(self, runner: Runner) -> None:
        """Refuse an incomplete model.

        Raises:
            ValueError: If the checkpoint lacks a tensor of the model, or one
                has another shape.
        """
        if self._fault is not None:
            raise self._fault

    before_val = before_test
