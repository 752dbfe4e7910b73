# SPDX-License-Identifier: Apache-2.0
"""Refuse to test a model that its checkpoint fills only in part."""
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
    from a part of a model, so this hook does not stop one.
    """

    # After hooks that change the checkpoint, such as EMAHook.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._fault: ValueError | None = None

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
        """Find out whether the checkpoint fills the model."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        about = str(runner.cfg.get('load_from')), 'the model', _CURE
        self._fault = None
        try:
            weights = tensors_of(checkpoint, *about)
            # The runner loads the same tensors again.
            load_weights(
                model, *about, weights=weights, allow_unexpected=True)
        except ValueError as error:
            self._fault = error

    def before_train(self, runner: Runner) -> None:
        """Forget the checkpoint that a training started from."""
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
