# SPDX-License-Identifier: Apache-2.0
"""Warn of a flow that collapses or explodes while it is trained."""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

# Samples of a batch that are looked at.
_SAMPLES = 8
_CURE = ('Look at image_scale (the losses expect 0 to 255), lower the weight '
         'of the smoothness loss, or give up a checkpoint that had collapsed '
         'before')


@HOOKS.register_module()
class FlowHealthHook(Hook):
    """Warn of a collapsed or an exploding flow, and of the likely cause.

    The losses of both can look good. What is judged are the means of
    ``flow_norm`` and ``flow_std`` (see :func:`flow_statistics`) and of the
    loss since the last judgement, which the log has read already, and one
    batch of frames: a flow that explains them no better than zero flow is
    none. Nothing is read from a device between two judgements.

    Args:
        interval: Number of iterations between two judgements.
        min_std: Standard deviation in pixels over a frame, below which a
            flow is the same everywhere.
        max_norm: Mean length, as a share of the frame's diagonal, above
            which a flow is no motion.
        max_rise: Factor by which the loss of a stage may exceed its lowest
            mean.
        min_gain: Share of the difference of consecutive frames that the flow
            of the stage has to explain.
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
                 min_gain: float = 0.02,
                 min_motion: float = 1.,
                 warmup: int = 100) -> None:
        self.interval = interval
        self.min_std = min_std
        self.max_norm = max_norm
        self.max_rise = max_rise
        self.min_gain = min_gain
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
        clips = _clips(data_batch)
        if not clips:
            return
        faults = {}
        if length > self.warmup and _motion(clips) > self.min_motion:
            faults.update(self._collapse(runner, clips, norm, std))
        diagonal = math.hypot(*clips[0].shape[-2:])
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

    def _collapse(self, runner: Runner, clips: Sequence[Tensor], norm: float,
                  std: float) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the flow of frames that move."""
        if std < self.min_std:
            yield 'collapsed', (
                f'the flow has collapsed: {norm:.3g} pixels on average, with '
                f'a deviation of {std:.3g} over the frame, while the frames '
                f'move. {_CURE}')
            return
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if not hasattr(model, 'photometric_errors') or clips[0].shape[1] != 3:
            return
        batch = dict(
            inputs=[clip[:1, :, :2] for clip in clips], data_samples=None)
        inputs = model.data_preprocessor(batch)['inputs']
        error, still = model.photometric_errors(inputs).tolist()
        if not error < (1 - self.min_gain) * still:
            yield 'useless', (
                'the flow explains the frames no better than no flow would: '
                f'they differ by {error:.3g} grey levels with it and by '
                f'{still:.3g} without, at {norm:.3g} pixels on average. If '
                f'they show motion and not noise alone: {_CURE}')


def _clips(data_batch: Mapping[str, Any] | None) -> list[Tensor]:
    """Return the clips ``(M, C, T, H, W)`` of the first samples, if any.

    They are those of the data loader, RGB in 0 to 255 and on the CPU.
    """
    inputs = (data_batch or {}).get('inputs')
    if not isinstance(inputs, (Sequence, Tensor)):
        return []
    return [clips for clips in inputs[:_SAMPLES]
            if isinstance(clips, Tensor) and clips.dim() == 5]


def _motion(clips: Sequence[Tensor]) -> float:
    """Return the mean difference of consecutive frames, in grey levels."""
    pairs = [clip[:1, :, :2] for clip in clips if clip.shape[2] > 1]
    if not pairs:
        return 0.
    differences = [pair.to(torch.float32).diff(dim=2).abs().mean()
                   for pair in pairs]
    return float(sum(differences)) / len(differences)
