# SPDX-License-Identifier: Apache-2.0
"""Warn of a flow that collapses or explodes while it is trained."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor


@HOOKS.register_module()
class FlowHealthHook(Hook):
    """Warn of a collapsed or an exploding flow, and of the likely cause.

    The losses of both can look good. What is judged are the means of
    ``flow_norm`` and ``flow_std`` (see :func:`flow_statistics`) and of the
    loss since the last judgement, which the log has read already, and one
    batch of frames.

    Args:
        interval: Number of iterations between two judgements.
        min_std: Standard deviation in pixels over a frame, below which a
            flow is the same everywhere.
        max_norm: Mean length, as a share of the frame's diagonal, above
            which a flow is no motion.
        max_rise: Factor by which the loss of a stage may exceed its lowest
            mean.
        min_motion: Mean difference of consecutive frames in grey levels, of
            255, above which they move.
        warmup: Iterations of a stage that are not judged for a collapse,
            since an untrained flow may be nearly zero.
    """

    # After RuntimeInfoHook, which reads the losses.
    priority = 'BELOW_NORMAL'

    def __init__(self,
                 interval: int = 20,
                 min_std: float = 0.02,
                 max_norm: float = 0.5,
                 max_rise: float = 10.,
                 min_motion: float = 1.,
                 warmup: int = 100) -> None:
        self.interval = interval
        self.min_std = min_std
        self.max_norm = max_norm
        self.max_rise = max_rise
        self.min_motion = min_motion
        self.warmup = warmup
        self._stage: Any = None
        self._begin = 0
        self._lowest = math.inf
        self._said: set[str] = set()

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Mapping[str, Any] | None = None,
                         outputs: Mapping[str, Any] | None = None) -> None:
        """Judge the flow at the end of an interval."""
        stage = runner.message_hub.runtime_info.get('stage')
        if stage != self._stage:
            self._stage, self._begin = stage, runner.iter
            self._lowest = math.inf
            self._said.clear()
        length = runner.iter + 1 - self._begin
        if length % self.interval or 'flow_norm' not in (outputs or {}):
            return
        scalars = runner.message_hub.log_scalars
        norm, std, loss = (
            scalars[f'train/{name}'].mean(self.interval)
            for name in ('flow_norm', 'flow_std', 'loss'))
        frames = _frames(data_batch)
        if frames is None:
            return
        faults = {}
        if length > self.warmup and std < self.min_std:
            if _motion(frames) > self.min_motion:
                faults['collapsed'] = (
                    f'the flow has collapsed: {norm:.3g} pixels on average, '
                    f'with a deviation of {std:.3g} over the frame, while the '
                    'frames move. Look at image_scale (the losses expect 0 to '
                    '255), lower the weight of the smoothness loss, or give '
                    'up a checkpoint that had collapsed before')
        diagonal = math.hypot(*frames.shape[-2:])
        if norm > self.max_norm * diagonal:
            faults['exploded'] = (
                f'the flow explodes: {norm:.4g} pixels on average in frames '
                f'with a diagonal of {diagonal:.4g}. Lower the learning rate '
                'of flow_estimator, or set clip_grad')
        if loss > self.max_rise * self._lowest > 0:
            faults['risen'] = (
                f'the loss has risen to {loss:.4g} from {self._lowest:.4g}. '
                'Lower the learning rate, or set clip_grad')
        self._lowest = min(self._lowest, loss)
        place = f' of stage {stage!r}' if stage else ''
        for name in faults.keys() - self._said:
            runner.logger.warning(
                f'In iteration {runner.iter + 1}{place}, {faults[name]}')
        # Said again if it comes back after a recovery.
        self._said = set(faults)


def _frames(data_batch: Mapping[str, Any] | None) -> Tensor | None:
    """Return the frames ``(N, 3, T, H, W)`` of a first sample, or None.

    They are those of the data loader, in 0 to 255 and on the CPU.
    """
    inputs = (data_batch or {}).get('inputs')
    if isinstance(inputs, Sequence) and inputs:
        inputs = inputs[0]
    elif isinstance(inputs, Tensor):
        inputs = inputs.flatten(0, max(inputs.dim() - 5, 0))
    if not isinstance(inputs, Tensor) or inputs.dim() != 5:
        return None
    return inputs


def _motion(frames: Tensor) -> float:
    """Return the mean difference of consecutive frames, in grey levels."""
    if frames.shape[2] < 2:
        return 0.
    return frames.to(torch.float32).diff(dim=2).abs().mean().item()
