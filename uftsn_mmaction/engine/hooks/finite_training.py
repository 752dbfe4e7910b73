# SPDX-License-Identifier: Apache-2.0
"""Notice a loss or a gradient that is not finite before it does harm."""
from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

_NAMED_VIDEOS = 8


@HOOKS.register_module()
class FiniteTrainingHook(Hook):
    """Skip a step whose gradient is not finite, or stop; say which it was.

    One NaN in a gradient turns all weights to NaN, and the run goes on until
    it has replaced every sound checkpoint. A skipped step leaves the weights,
    the optimizer and the statistics of normalisation layers as they were.
    A checkpoint with a value that is not finite is never written.

    The norm that ``clip_grad`` computes is checked, which MMEngine reads in
    every step anyway; without ``clip_grad``, this hook has to read a norm
    itself, for which a GPU waits. Under mixed precision the gradient scaler
    skips its own overflows, which do not count.

    Args:
        max_skipped: Number of steps of a run that may be skipped; one more
            ends it. 0 ends it at the first.

    Raises:
        ValueError: If ``max_skipped`` is negative.
    """

    # Before CheckpointHook, which deletes before it writes, and after
    # RuntimeInfoHook, which reads the losses.
    priority = 'ABOVE_NORMAL'

    def __init__(self, max_skipped: int = 10) -> None:
        if max_skipped < 0:
            raise ValueError('max_skipped of FiniteTrainingHook must be 0 or '
                             f'more, got {max_skipped}')
        self.max_skipped = max_skipped
        self._buffers: list[tuple[Tensor, Tensor]] | None = None
        self._has_skipped = False

    def before_train(self, runner: Runner) -> None:
        """Watch the steps of the optimizer."""
        self._buffers = None
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            runner.logger.warning(
                'FiniteTrainingHook watches the steps of one OptimWrapper, '
                f'got {type(wrapper).__name__}: no step will be skipped')
            return
        take_step = wrapper.optimizer.step

        # The schedulers look for an attribute of the method.
        @functools.wraps(take_step)
        def step(*args: Any, **kwargs: Any) -> Any:
            if math.isfinite(_gradient_norm(wrapper)):
                self._buffers = None
                return take_step(*args, **kwargs)
            self._has_skipped = True
            for buffer, before in self._buffers or ():
                buffer.copy_(before)
            return None

        wrapper.optimizer.step = step

    def before_train_iter(self, runner: Runner, *args: Any,
                          **kwargs: Any) -> None:
        """Remember what the forward pass changes."""
        if self._buffers is None:
            self._buffers = [(buffer, buffer.clone())
                             for buffer in runner.model.buffers()]

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Mapping[str, Any] | None = None,
                         outputs: Mapping[str, Any] | None = None) -> None:
        """Report a step that was skipped, or whose loss is not finite.

        Raises:
            ValueError: If too many steps were skipped.
        """
        bad = _bad_losses(runner, outputs or {})
        if not (bad or self._has_skipped):
            return
        what = f'the losses {bad}' if bad else 'the gradient'
        fate = 'is skipped' if self._has_skipped else 'is taken all the same'
        stage = runner.message_hub.runtime_info.get('stage')
        place = f'iteration {runner.iter + 1}'
        place += f' of stage {stage!r}' if stage else ''
        videos = _videos(data_batch)
        what += f' of the videos {videos}' if videos else ''
        text = (f'In {place}, {what} cannot be used, since a value is not '
                f'finite; the step {fate}')
        count = runner.message_hub.runtime_info.get('skipped_steps', 0)
        count += self._has_skipped
        runner.message_hub.update_info('skipped_steps', count)
        self._has_skipped = False
        if count > self.max_skipped:
            raise ValueError(
                f'{text}, and {count} steps are more than '
                f'max_skipped={self.max_skipped} of FiniteTrainingHook; lower '
                'the learning rate, check these videos, or resume from the '
                'last checkpoint, which is sound')
        runner.logger.warning(
            f'{text} ({count} so far, {self.max_skipped} may be)')

    def after_train_epoch(self, runner: Runner) -> None:
        """Check the model before an older checkpoint makes room for it."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        _refuse(dict(state_dict=model.state_dict()))

    def before_save_checkpoint(self, runner: Runner,
                               checkpoint: dict[str, Any]) -> None:
        """Refuse to write a value that is not finite.

        Raises:
            ValueError: If the weights or the optimizer hold one.
        """
        _refuse({key: checkpoint.get(key)
                 for key in ('state_dict', 'optimizer')})

    def after_train(self, runner: Runner) -> None:
        """Tell how many steps were skipped."""
        count = runner.message_hub.runtime_info.get('skipped_steps', 0)
        if count:
            runner.logger.warning(f'{count} training steps were skipped, '
                                  'since a value was not finite')
        if isinstance(runner.optim_wrapper, OptimWrapper):
            step = runner.optim_wrapper.optimizer.step
            runner.optim_wrapper.optimizer.step = step.__wrapped__


def _gradient_norm(wrapper: OptimWrapper) -> float:
    """Return the norm of the gradients, which clipping has read already."""
    if wrapper.clip_grad_kwargs:
        norms = wrapper.message_hub.log_scalars.get(
            f'train/{wrapper.grad_name}')
        if norms is not None:
            return norms.current()
    parameters = [parameter for group in wrapper.param_groups
                  for parameter in group['params']]
    # An infinite limit changes nothing.
    return float(torch.nn.utils.clip_grad_norm_(parameters, math.inf))


def _bad_losses(runner: Runner, outputs: Mapping[str, Any]) -> list[str]:
    """Name the losses of this step that are not finite."""
    scalars = runner.message_hub.log_scalars
    names = [name for name in outputs if f'train/{name}' in scalars]
    return [name for name in names
            if not math.isfinite(scalars[f'train/{name}'].current())]


def _videos(data_batch: Mapping[str, Any] | None) -> list[str]:
    """Name the videos of a batch, if the data set says them."""
    samples = (data_batch or {}).get('data_samples', ())
    names = [str(sample.get('filename', '?')) for sample in samples]
    more = ['...'] if len(names) > _NAMED_VIDEOS else []
    return names[:_NAMED_VIDEOS] + more


def _refuse(content: Mapping[str, Any]) -> None:
    for name, tensor in _tensors(content, ''):
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError(
                f'{name} holds a value that is not finite, so that no '
                'checkpoint is written; resume from the last one, which is '
                'sound, with a lower learning rate')


def _tensors(content: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _tensors(value, f'{name}.{key}'.lstrip('.'))
