# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a flow makes of a few clips, as it is trained."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor, nn

from ..engine.random_state import get_random_state, set_random_state
from ..evaluation.explained_flow import explain
from .explained_tiles import explained_row, frames_row
from .tiles import tile

# The scale of colours is that of the first picture of a clip, with room.
_LEAST_SCALE, _PERCENTILE, _ROOM = 1., 98, 1.5


class _Pair(NamedTuple):
    """Two frames of a clip, 8-bit RGB ``(H, W, 3)``."""
    number: int
    clip: str
    first: np.ndarray
    second: np.ndarray


@HOOKS.register_module()
class FlowPicturesHook(Hook):
    """Draw what the flow makes of a few clips, at every validation.

    The clips are the same in each: spread over the validation set, the two
    frames in the middle of each. A picture has both frames and their
    difference, the flow, the second frame warped back by it, the photometric
    error and the forward-backward error, on one scale of colours throughout.
    It goes to all backends of the runner's visualizer, named after the clip;
    files are in ``vis_data/vis_image``.

    The flow is that of the weights that are validated, such as their moving
    average. Random numbers, statistics and modes are left as they are.
    Nothing is drawn of a model without ``flow_estimator``, and of clips that
    are no RGB frames, such as cached flow.

    Args:
        interval: Draw at every n-th validation.
        number: Number of clips; 0 for none.
    """

    # After EMAHook has put in its weights.
    priority = 'LOW'

    def __init__(self, interval: int = 1, number: int = 3) -> None:
        for name, value, least in (('interval', interval, 1),
                                   ('number', number, 0)):
            if value < least:
                raise ValueError(f'{name} of FlowPicturesHook is {value}, '
                                 f'expected {least} or more')
        self.interval = interval
        self.number = number
        self._validations = 0
        self._pairs: list[_Pair] | None = None
        self._scales: dict[int, float] = {}

    def before_val_epoch(self, runner: Runner) -> None:
        """Draw the clips, unless it is not their turn."""
        self._validations += 1
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        estimator = getattr(model, 'flow_estimator', None)
        if (estimator is None or not is_main_process()
                or (self._validations - 1) % self.interval):
            return
        state = get_random_state()
        try:
            if self._pairs is None:
                self._pairs = _choose_pairs(
                    runner.val_dataloader.dataset, self.number)
            for pair in self._pairs:
                runner.visualizer.add_image(
                    f'flow_{pair.number}_{pair.clip}',
                    self._draw(pair, estimator), _step(runner))
        finally:
            set_random_state(state)

    @torch.no_grad()
    def _draw(self, pair: _Pair, estimator: nn.Module) -> np.ndarray:
        device = next(estimator.parameters(), torch.empty(0)).device
        trains = estimator.training
        estimator.eval()
        flow, back = (
            estimator.flow_of_pair(*frames, device)
            for frames in ((pair.first, pair.second),
                           (pair.second, pair.first)))
        estimator.train(trains)
        result = explain(pair.first, pair.second, flow, back)
        speed = np.percentile(np.hypot(*np.nan_to_num(flow)), _PERCENTILE)
        scale = self._scales.setdefault(
            pair.number, max(_LEAST_SCALE, _ROOM * speed))
        return tile([
            frames_row(pair.first, pair.second, scale, pair.clip),
            explained_row(result, 'flow', scale)])


def _choose_pairs(dataset: Any, number: int) -> list[_Pair]:
    """Return the middle of clips that are spread over a data set."""
    chosen = {int((part + 0.5) / number * len(dataset))
              for part in range(number)}
    pairs = []
    for number, index in enumerate(sorted(chosen), 1):
        sample = dataset[index]
        clips = sample['inputs']
        # M x C x T x H x W
        if not isinstance(clips, Tensor) or clips.dim() != 5 or (
                clips.shape[1] != 3 or clips.shape[2] < 2):
            return []
        middle = (clips.shape[2] - 1) // 2
        first, second = (
            np.ascontiguousarray(frame.permute(1, 2, 0).numpy(), np.uint8)
            for frame in clips[0, :, middle:middle + 2].unbind(1))
        # A name of a stranger's file becomes the name of a file.
        stem = re.sub(r'[^\w.-]+', '_', Path(_filename(dataset, index)).stem)
        pairs.append(_Pair(number, stem[:60], first, second))
    return pairs


def _filename(dataset: Any, index: int) -> str:
    """Return the file of a sample; generated ones have none."""
    if not hasattr(dataset, 'get_data_info'):
        return 'clip'
    return str(dataset.get_data_info(index).get('filename', 'clip'))


def _step(runner: Runner) -> int:
    """Return the epoch or iteration that MMEngine's log has."""
    loop = runner._train_loop
    # The property would build a loop that a validation alone lacks.
    if loop is None or isinstance(loop, dict):
        return 0
    return (runner.iter if isinstance(loop, IterBasedTrainLoop) else
            runner.epoch)
