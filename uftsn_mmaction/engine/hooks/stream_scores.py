# SPDX-License-Identifier: Apache-2.0
"""Scores of every stream for the metrics of a fusion."""
from __future__ import annotations

from typing import Protocol, runtime_checkable

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


@runtime_checkable
class StreamModel(Protocol):
    """Contract of a model of several streams, as ``FusionRecognizer`` has it.

    Attributes:
        per_stream: Whether ``pred_score`` is a dict of the scores of each
            stream and the fused ones, or a tensor of the fused ones.
    """

    per_stream: bool


@HOOKS.register_module()
class StreamScoresHook(Hook):
    """Show metrics the scores of each stream beside the fused ones.

    While a runner tests or validates, ``pred_score`` of
    ``FusionRecognizer`` is a dict; ``AccMetric`` prints each of its entries
    and ``DumpResults`` keeps them all. Otherwise it stays a tensor, as
    ``inference_recognizer`` and the inferencers of MMAction2 expect it.

    Raises:
        TypeError: If the model is no ``FusionRecognizer``.
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Ask for the scores of each stream."""
        self._set(runner, True)

    def after_test_epoch(self,
                         runner: Runner,
                         metrics: dict[str, float] | None = None) -> None:
        """Return to the fused scores."""
        self._set(runner, False)

    before_val_epoch = before_test_epoch
    after_val_epoch = after_test_epoch

    @staticmethod
    def _set(runner: Runner, per_stream: bool) -> None:
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        if not isinstance(model, StreamModel):
            raise TypeError(
                'StreamScoresHook expects a FusionRecognizer, got '
                f'{type(model).__name__}; remove the hook from the config')
        model.per_stream = per_stream
