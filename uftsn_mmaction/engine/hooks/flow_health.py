# SPDX-License-Identifier: Apache-2.0
"""Warn of a flow that collapses, explodes or does not begin."""
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
_SHORT = ('A flow that begins from nothing needs some hundred iterations: '
          'raise train_cfg.max_epochs, add videos, or begin with weights such '
          "as pretrained='uftsn_plus'")
_CURE = ('Look at image_scale (the losses expect 0 to 255), lower the weight '
         'of the smoothness loss, or give up a checkpoint that had collapsed '
         'before. A flow that began from nothing may need some hundred '
         'iterations more')


@HOOKS.register_module()
class FlowHealthHook(Hook):
    """Warn of a collapsed or an exploding flow, and of the likely cause.

    The losses of both can look good. What is judged are the means of
    ``flow_norm`` and ``flow_std`` (see :func:`flow_statistics`) and of the
    loss since the last judgement, which the log has read already, and one
    batch of frames: a flow that explains them no better than zero flow is
    none. Nothing is read from a device between two judgements.

    What ended before it was judged for a collapse is judged at its end, so
    that a training which was too short for any flow does not end in silence.
    Videos that hardly move are told then, too.

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
        warmup: Iterations of a stage that are not judged for a collapse
            before its end, since an untrained flow may be nearly zero.

    Raises:
        ValueError: If ``interval`` is below 1.
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
        if interval < 1:
            raise ValueError(f'interval of FlowHealthHook is {interval}, '
                             'expected 1 or more; leave the hook out to judge '
                             'nothing')
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
        self._clips: list[Tensor] = []
        self._outputs: Mapping[str, Any] = {}
        self._motions: list[float] = []
        self._has_judged_end = False

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Mapping[str, Any] | None = None,
                         outputs: Mapping[str, Any] | None = None) -> None:
        """Judge the flow at the end of an interval."""
        stage = runner.message_hub.runtime_info.get('stage')
        if stage != self._stage:
            self._judge_end(runner)
            self._stage, self._begin = stage, runner.iter
            self._lowest = math.inf
            self._said.clear()
        length = runner.iter + 1 - self._begin
        if 'flow_norm' not in (outputs or {}):
            return
        clips = _clips(data_batch)
        if not _is_frozen(outputs):
            self._clips, self._outputs = clips, outputs
        if length % self.interval or not clips:
            return
        scalars = runner.message_hub.log_scalars
        norm, std, loss = (
            scalars[f'train/{name}'].mean(self.interval)
            for name in ('flow_norm', 'flow_std', 'loss'))
        self._motions.append(_motion(clips))
        faults = {}
        if length > self.warmup and self._motions[-1] > self.min_motion:
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
        for name in faults.keys() - self._said:
            runner.logger.warning(
                f'In iteration {runner.iter + 1}{self._place}, {faults[name]}')
        # Said again if it comes back after a recovery.
        self._said = set(faults)

    def after_train(self, runner: Runner) -> None:
        """Judge the last stage."""
        self._judge_end(runner)

    @property
    def _place(self) -> str:
        return f' of stage {self._stage!r}' if self._stage else ''

    def _judge_end(self, runner: Runner) -> None:
        """Judge the first stage that trained the flow when it has ended."""
        clips, self._clips = self._clips, []
        if self._has_judged_end:
            return
        length = runner.iter - self._begin
        # What is shorter than an interval has not been looked at.
        motions, self._motions = self._motions or [_motion(clips)], []
        if not clips:
            return
        self._has_judged_end = True
        end = f'At the end{self._place}, after {length} iterations, '
        motion = sum(motions) / len(motions)
        if motion <= self.min_motion:
            runner.logger.warning(
                f'{end}the frames had hardly moved: they differ by '
                f'{motion:.2g} grey levels on average. No flow can be learned '
                'from them; take videos that move, or larger strides')
        elif length <= self.warmup:
            norm, std = (float(self._outputs[name])
                         for name in ('flow_norm', 'flow_std'))
            for _, text in self._collapse(runner, clips, norm, std, _SHORT):
                runner.logger.warning(end + text)

    def _collapse(self, runner: Runner, clips: Sequence[Tensor], norm: float,
                  std: float, cure: str = _CURE) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the flow of frames that move."""
        if std < self.min_std:
            yield 'collapsed', (
                f'the flow is the same everywhere: {norm:.3g} pixels on '
                f'average, with a deviation of {std:.3g} over the frame, '
                'while the frames move: it has collapsed, or not begun. '
                f'{cure}')
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
                f'they show motion and not noise alone: {cure}')


def _is_frozen(outputs: Mapping[str, Any]) -> bool:
    """Tell whether the loss of the classifier is the only one of a step."""
    return {name for name in outputs
            if name.startswith('loss_')} == {'loss_cls'}


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
