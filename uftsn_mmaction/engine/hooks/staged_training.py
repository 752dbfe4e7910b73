# SPDX-License-Identifier: Apache-2.0
"""Training in stages (sec. 3.2) as a hook of MMEngine's runner."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .stage import Stage, StageSettings, build_stages


@runtime_checkable
class StagedModel(Protocol):
    """Contract of a model that trains in stages, as ``UFTSNRecognizer`` does.

    Attributes:
        flow_estimator: Child that estimates the flow.
        parts: Names of the children that have parameters.
        has_random_flow: Whether no checkpoint gave the flow its weights.
    """

    flow_estimator: nn.Module
    parts: tuple[str, ...]
    has_random_flow: bool

    def set_stage(self,
                  train: Sequence[str],
                  losses: Mapping[str, float],
                  detach_flow: bool = False) -> None:
        """Train these parts alone, on the weighted losses."""


@HOOKS.register_module()
class StagedTrainingHook(Hook):
    """Train in stages; each states what trains, on what, and how fast.

    The stage follows from the runner's progress alone, so a resumed run is in
    the right one. One optimizer serves all stages: parameters without a
    gradient keep their state across the stages that freeze them.

    A stage's learning rate takes the place of the optimizer's ``lr`` for the
    length of each step. Schedulers and ``paramwise_cfg`` multiply it.

    Of several hooks of this kind the last one counts, so that one in
    ``custom_hooks`` replaces that of ``default_hooks``.

    Args:
        stages: See :func:`build_stages`, for example
            ``dict(flow=dict(begin=0), classifier=dict(begin=20),
            joint=dict(begin=30, lr=dict(flow_estimator=5e-5)))``.
        by_epoch: Whether ``begin`` counts epochs; False for iterations.
    """

    def __init__(self, stages: StageSettings, by_epoch: bool = True) -> None:
        self.stages = build_stages(stages)
        self.by_epoch = by_epoch
        self._unit = 'epoch' if by_epoch else 'iteration'
        self._is_replaced = False
        self._active: Stage | None = None
        self._scheduled: list[float] = []
        self._parts_of_groups: list[set[str]] = []

    def stage_at(self, progress: int) -> Stage:
        """Return the stage of an epoch (or iteration).

        >>> hook = StagedTrainingHook(
        ...     dict(flow=dict(begin=0), classifier=dict(begin=20)))
        >>> hook.stage_at(19).name, hook.stage_at(20).name
        ('flow', 'classifier')
        """
        return [stage for stage in self.stages if stage.begin <= progress][-1]

    def before_train(self, runner: Runner) -> None:
        """Check the stages against the model, the optimizer and the loop.

        Raises:
            ValueError: If they do not fit.
        """
        same = [h for h in runner.hooks if isinstance(h, StagedTrainingHook)]
        self._is_replaced = same[-1] is not self
        if self._is_replaced:
            return
        model = self._model(runner)
        if not isinstance(model, StagedModel):
            raise ValueError(
                'StagedTrainingHook needs a model with set_stage, such as '
                f'UFTSNRecognizer, got {type(model).__name__}')
        if self.by_epoch and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(
                'StagedTrainingHook counts epochs, but the training loop '
                'counts iterations; set by_epoch=False and begin of each '
                'stage in iterations')
        if (isinstance(runner.model, DistributedDataParallel)
                and not runner.model.find_unused_parameters):
            raise ValueError(
                'Stages leave parameters without a gradient; set '
                'find_unused_parameters=True in the config for distributed '
                'training')
        part_of = {
            id(parameter): name.split('.')[0]
            for name, parameter in model.named_parameters()
        }
        self._parts_of_groups = [
            {part_of[id(parameter)] for parameter in group['params']}
            for group in runner.optim_wrapper.optimizer.param_groups
        ]
        limit = runner.max_epochs if self.by_epoch else runner.max_iters
        for stage in self.stages:
            self._check(stage, model, runner)
            if limit is not None and stage.begin >= limit:
                runner.logger.warning(
                    f'Stage {stage.name!r} begins at {self._unit} '
                    f'{stage.begin}, but training ends at {limit}: it will '
                    'not run')
        self._warn_of_random_flow(model, runner)
        self._active = None

    def before_train_iter(self, runner: Runner, *args: Any,
                          **kwargs: Any) -> None:
        """Enter the stage of the present progress and apply its rates."""
        if self._is_replaced:
            return
        stage = self.stage_at(runner.epoch if self.by_epoch else runner.iter)
        if stage is not self._active:
            self._enter(stage, runner)
        base = self._base_lr(runner)
        groups = runner.optim_wrapper.optimizer.param_groups
        self._scheduled = [group['lr'] for group in groups]
        rates = {}
        for group, parts in zip(groups, self._parts_of_groups):
            # All parts of a group have one rate, as checked above.
            part = min(parts)
            group['lr'] *= stage.rate_of(part, base) / base
            rates[part] = group['lr']
        hub = runner.message_hub
        # MMEngine writes what ends with "lr" with all its digits.
        for part in stage.train:
            if part in rates:
                hub.update_scalar(f'train/{part}_lr', rates[part])
        # Those of the schedulers, at which nothing trains.
        _forget(hub, ('train/lr', 'train/base_lr'))

    def after_train_iter(self, runner: Runner, *args: Any,
                         **kwargs: Any) -> None:
        """Restore the rates of the schedulers."""
        for group, lr in zip(runner.optim_wrapper.optimizer.param_groups,
                             self._scheduled):
            group['lr'] = lr

    @staticmethod
    def _model(runner: Runner) -> nn.Module:
        model = runner.model
        return model.module if is_model_wrapper(model) else model

    @staticmethod
    def _base_lr(runner: Runner) -> float:
        return runner.optim_wrapper.optimizer.defaults['lr']

    def _check(self, stage: Stage, model: StagedModel,
               runner: Runner) -> None:
        """Try a stage, so that the last one does not fail after hours."""
        try:
            self._apply(stage, model)
        except ValueError as error:
            raise ValueError(f'Stage {stage.name!r}: {error}') from None
        if not isinstance(stage.lr, Mapping):
            return
        unknown = sorted(set(stage.lr) - set(model.parts))
        if unknown:
            raise ValueError(
                f'lr of stage {stage.name!r} names {unknown}, but the parts '
                f'of the model are {model.parts}')
        base = self._base_lr(runner)
        for parts in self._parts_of_groups:
            if len({stage.rate_of(part, base) for part in parts}) > 1:
                raise ValueError(
                    f'Stage {stage.name!r} has a learning rate per part, but '
                    'the optimizer keeps all parts in one group; set '
                    'optim_wrapper.paramwise_cfg=dict(custom_keys='
                    'dict(flow_estimator=dict(lr_mult=1.0))) to split them')

    def _warn_of_random_flow(self, model: StagedModel,
                             runner: Runner) -> None:
        """Warn of flow from random weights, which no metric would show."""
        trained = any('flow_estimator' in stage.train for stage in self.stages)
        if trained or not model.has_random_flow:
            return
        runner.logger.warning(
            'No stage trains flow_estimator '
            f'({type(model.flow_estimator).__name__}), and no checkpoint was '
            'loaded: the classifier will train on the flow of random weights. '
            'Set load_from, or add the stage \'flow\'')

    @staticmethod
    def _apply(stage: Stage, model: StagedModel) -> None:
        # The presets name a neck, which most models lack.
        train = [
            part for part in stage.train
            if part in model.parts or part != 'neck'
        ]
        model.set_stage(train, stage.losses, stage.detach_flow)

    def _enter(self, stage: Stage, runner: Runner) -> None:
        model = self._model(runner)
        self._apply(stage, model)
        # A resumed run has restored the name of its last stage.
        before = runner.message_hub.runtime_info.get('stage', stage.name)
        if before != stage.name:
            # Otherwise the log would repeat the last value of losses and rates
            # that the new stage does not have, and mix the means of both.
            hub = runner.message_hub
            _forget(hub, [
                key for key in hub.log_scalars if key.startswith('train/')
                and ('loss' in key or key.endswith('_lr')
                     or key in ('train/time', 'train/grad_norm'))])
        self._active = stage
        total = sum(p.numel() for p in model.parameters())
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        losses = ', '.join(f'{name} x {weight:g}'
                           for name, weight in stage.losses.items())
        base = self._base_lr(runner)
        parts = [part for part in stage.train if part in model.parts]
        rates = ', '.join(f'{part} {stage.rate_of(part, base):g}'
                          for part in parts)
        runner.logger.info(
            f'Stage {stage.name!r} ({self.stages.index(stage) + 1} of '
            f'{len(self.stages)}) from {self._unit} {stage.begin}: trains '
            f'{", ".join(parts)} ({trained:,} of {total:,} parameters) on '
            f'{losses}; lr {rates}')
        runner.message_hub.update_info('stage', stage.name)


def _forget(hub: MessageHub, keys: Iterable[str]) -> None:
    """Take scalars out of the log."""
    for key in keys:
        hub.log_scalars.pop(key, None)
        # Otherwise a resumed run would warn that it is missing.
        hub._resumed_keys.pop(key, None)
