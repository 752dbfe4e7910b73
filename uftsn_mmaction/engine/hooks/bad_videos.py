# SPDX-License-Identifier: Apache-2.0
"""Tell at the end of a run how many videos could not be used."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class BadVideosHook(Hook):
    """Repeat at the end what ``CheckedVideoDataset`` reported in between.

    A list that shrinks is seen nowhere else: the loss falls all the same.
    """

    # After the last words of other hooks.
    priority = 'LOWEST'

    def after_train(self, runner: Runner) -> None:
        """Count the bad videos of the training and of its validation."""
        self._tell(runner, runner.train_dataloader)
        if runner.val_loop is not None:
            self._tell(runner, runner.val_dataloader)

    def after_test(self, runner: Runner) -> None:
        """Count the bad videos of a test that was allowed to skip some."""
        self._tell(runner, runner.test_dataloader)

    @staticmethod
    @master_only
    def _tell(runner: Runner, loader: Any) -> None:
        for dataset in _innermost(getattr(loader, 'dataset', None)):
            bad_videos = getattr(dataset, 'bad_videos', None)
            if bad_videos is not None and bad_videos.summary:
                runner.logger.warning(bad_videos.summary)


def _innermost(dataset: Any) -> Iterator[Any]:
    """Yield the data sets in wrappers, such as ``ConcatDataset``."""
    inner = getattr(dataset, 'datasets', None)
    if inner is None and hasattr(dataset, 'dataset'):
        inner = [dataset.dataset]
    if inner is None:
        yield dataset
    for each in inner or ():
        yield from _innermost(each)
