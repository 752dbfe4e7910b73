# SPDX-License-Identifier: Apache-2.0
"""Scores of every stream for the metrics of a fusion."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from mmaction.evaluation import AccMetric
from mmaction.registry import HOOKS
from mmengine.evaluator import BaseMetric, DumpResults, Evaluator
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

#: Metrics that take a dict of scores; all others get the fused score.
_TAKE_STREAMS = (AccMetric, DumpResults)


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
    """Give metrics the scores of each stream beside the fused ones.

    While a runner tests or validates, ``pred_score`` of
    ``FusionRecognizer`` is a dict: ``AccMetric`` reports every entry, and
    ``DumpResults`` keeps them all. Any other metric, such as
    ``ConfusionMatrix``, gets the fused score alone. Elsewhere
    ``pred_score`` stays a tensor, as the inferencers of MMAction2 expect it.

    Raises:
        TypeError: If the model is not a ``FusionRecognizer``.
    """

    def before_test_epoch(self, runner: Runner) -> None:
        self._set(runner, runner.test_evaluator, True)

    def after_test_epoch(self, runner: Runner, metrics: Any = None) -> None:
        self._set(runner, runner.test_evaluator, False)

    def before_val_epoch(self, runner: Runner) -> None:
        self._set(runner, runner.val_evaluator, True)

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        self._set(runner, runner.val_evaluator, False)

    @staticmethod
    def _set(runner: Runner, evaluator: Evaluator, per_stream: bool) -> None:
        """Ask for the scores of each stream, or for the fused ones."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        if not isinstance(model, StreamModel):
            raise TypeError(
                'StreamScoresHook expects a FusionRecognizer, got '
                f'{type(model).__name__}; remove the hook from the config')
        model.per_stream = per_stream
        metrics = [
            metric.metric if isinstance(metric, _FusedScore) else metric
            for metric in evaluator.metrics
        ]
        if per_stream:
            metrics = [
                metric if isinstance(metric, _TAKE_STREAMS) else
                _FusedScore(metric) for metric in metrics
            ]
        evaluator.metrics = metrics


class _FusedScore:
    """Stand-in for a metric that takes the score of one model."""

    def __init__(self, metric: BaseMetric) -> None:
        self.metric = metric
        self.evaluate = metric.evaluate

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        self.metric.process(data_batch, [
            dict(sample, pred_score=sample['pred_score']['fusion'])
            for sample in data_samples
        ])
