# SPDX-License-Identifier: Apache-2.0
"""Refuse to count scores that are not finite as predictions."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class FiniteScoresHook(Hook):
    """Stop a test or a validation with scores that are NaN or infinite.

    Metrics take the class of the largest score, even if it is NaN, so that
    a model of NaNs gets the accuracy of guessing.
    """

    def after_test_iter(
            self,
            runner: Runner,
            batch_idx: int,
            data_batch: dict[str, Any] | None = None,
            outputs: Sequence[ActionDataSample] | None = None) -> None:
        """Raise ``ValueError`` if a score of any stream is not finite."""
        for sample in outputs or ():
            scores = sample.get('pred_score', {})
            if not isinstance(scores, Mapping):
                scores = {'': scores}
            for stream, score in scores.items():
                if not score.isfinite().all():
                    of = f' of stream {stream!r}' if stream else ''
                    raise ValueError(
                        f'pred_score{of} is not finite for '
                        f'{sample.get("filename", "a video")!r}; look for '
                        'the fault in the checkpoint or its training')

    after_val_iter = after_test_iter
