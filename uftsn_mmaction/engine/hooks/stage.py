# SPDX-License-Identifier: Apache-2.0
"""The stages of a training, as a config states them (sec. 3.2)."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mmengine.config import Config, ConfigDict

_CLASSIFIER = ('backbone', 'neck', 'cls_head')

#: The three stages of sec. 3.2. A tenth of eq. 9 in the last one keeps the
#: flow a motion field while the classifier's gradient changes it.
PRESETS: dict[str, dict[str, Any]] = dict(
    flow=dict(train=('flow_estimator', ), losses=dict(flow=1.0)),
    classifier=dict(train=_CLASSIFIER, losses=dict(cls=1.0)),
    joint=dict(
        train=('flow_estimator', *_CLASSIFIER),
        losses=dict(cls=1.0, flow=0.1)))

# By name, where None leaves a stage out, or a list of settings with names.
StageSettings = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Stage:
    """A stage of training.

    Args:
        name: ``flow``, ``classifier`` or ``joint`` for a stage of sec. 3.2,
            whose ``train`` and ``losses`` are then known; any other name for
            a stage that states both.
        begin: First epoch (or iteration) of the stage, from 0.
        train: Parts of the model that train.
        losses: Weight of each loss.
        lr: Learning rate, one for all parts or one per part; None keeps the
            rate of the optimizer. Schedulers multiply it as they do the
            optimizer's own.
        detach_flow: True stops the classifier's gradient at the flow.
    """
    name: str
    begin: int
    train: tuple[str, ...] = ()
    losses: dict[str, float] = field(default_factory=dict)
    lr: float | dict[str, float] | None = None
    detach_flow: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Stage:
        """Check the settings of a stage and add what its name implies.

        Raises:
            ValueError: If a setting is unknown, missing or has a wrong value.

        >>> Stage.from_config(dict(name='joint', begin=30)).losses
        {'cls': 1.0, 'flow': 0.1}
        """
        known = sorted(item.name for item in fields(cls))
        unknown = sorted({*config} - {*known})
        if unknown:
            raise ValueError(
                f'A stage has no settings {unknown}, only {known}')
        if 'name' not in config or 'begin' not in config:
            raise ValueError(
                f'A stage needs name and begin, got {dict(config)}')
        name, begin = config['name'], config['begin']
        settings = {**PRESETS.get(name, {}), **config}
        for key in ('train', 'losses'):
            if not settings.get(key):
                reason = (f'sets {key} to nothing' if key in settings else
                          f'is not one of {tuple(PRESETS)} and has no {key}')
                raise ValueError(
                    f'Stage {name!r} {reason}; name a known stage or state '
                    'both train=[...] and losses=dict(...)')
        if not isinstance(settings['losses'], Mapping):
            raise ValueError(f'losses of stage {name!r} must be a dict of '
                             'weights such as dict(cls=1.0), got '
                             f"{settings['losses']!r}")
        if type(begin) is not int or begin < 0:
            raise ValueError(f'begin of stage {name!r} must be an epoch or '
                             f'iteration from 0 on, got {begin!r}')
        lr = settings.get('lr')
        rates = lr.values() if isinstance(lr, Mapping) else [lr]
        valid = [isinstance(x, (int, float)) and x > 0 for x in rates]
        if lr is not None and not all(valid):
            raise ValueError(f'lr of stage {name!r} must be a number above 0, '
                             f'or one for each part, got {lr!r}')
        train = settings['train']
        train = (train, ) if isinstance(train, str) else tuple(train)
        losses = dict(settings['losses'])
        return cls(**{**settings, 'train': train, 'losses': losses})

    def rate_of(self, part: str, default: float) -> float:
        """Return the learning rate of a part, or ``default`` if unset."""
        if isinstance(self.lr, Mapping):
            return self.lr.get(part, default)
        return default if self.lr is None else self.lr


def build_stages(stages: StageSettings) -> tuple[Stage, ...]:
    """Build all stages of a training, in the order in which they run.

    Args:
        stages: Settings by name, in any order, where None leaves a stage
            out; or a list with a ``name`` each, in the order of ``begin``.

    Raises:
        ValueError: If the settings of a stage are wrong, no stage begins at
            0, two begin together or a list is out of order.

    >>> stages = build_stages(dict(
    ...     flow=dict(begin=0), joint=None, classifier=dict(begin=20)))
    >>> [(stage.name, stage.begin) for stage in stages]
    [('flow', 0), ('classifier', 20)]
    """
    return tuple(stage for stage, _ in _in_order(stages))


def staged_hook(cfg: Mapping[str, Any]) -> ConfigDict:
    """Find the ``StagedTrainingHook`` in a config of MMEngine's runner.

    Returns:
        The settings of the hook themselves, so that a change of them changes
        the config. Of several hooks it is the last one, which counts.

    Raises:
        ValueError: If the config has no such hook.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values(),
             *(cfg.get('custom_hooks') or ())]
    # A type may have its scope in front; instances have no settings.
    found = [
        hook for hook in hooks if isinstance(hook, Mapping)
        and str(hook.get('type')).split('.')[-1] == 'StagedTrainingHook'
    ]
    if not found:
        raise ValueError(
            'Neither default_hooks nor custom_hooks has a StagedTrainingHook; '
            'derive the config from configs/_base_/schedules/three_stages.py')
    return found[-1]


def stage_configs(cfg: Mapping[str, Any]) -> list[ConfigDict]:
    """Copy the settings of a config's stages, with ``name``, in order.

    Raises:
        ValueError: As :func:`staged_hook` and :func:`build_stages` do.

    >>> hook = dict(type='StagedTrainingHook', stages=dict(
    ...     joint=dict(begin=30), flow=dict(begin=0, lr=1e-3)))
    >>> stage_configs(dict(default_hooks=dict(stages=hook)))
    [{'name': 'flow', 'begin': 0, 'lr': 0.001}, {'name': 'joint', 'begin': 30}]
    """
    return [config for _, config in _in_order(staged_hook(cfg)['stages'])]


def stage_epochs(cfg: Config) -> dict[str, range]:
    """Return the epochs of each stage, from 1 as in checkpoints and logs.

    Raises:
        ValueError: If the stages are others, are not counted in epochs, or
            one of them has no epoch.

    >>> stages = dict(flow=dict(begin=0), classifier=dict(begin=4),
    ...               joint=dict(begin=7))
    >>> hook = dict(type='StagedTrainingHook', stages=stages)
    >>> cfg = Config(dict(custom_hooks=[hook], train_cfg=dict(max_epochs=9)))
    >>> stage_epochs(cfg)['classifier']
    range(5, 8)
    """
    stages = stage_configs(cfg)
    names = tuple(stage.name for stage in stages)
    by_epoch = staged_hook(cfg).get('by_epoch', True)
    last = (cfg.get('train_cfg') or {}).get('max_epochs')
    expected = tuple(PRESETS)
    if names != expected or not by_epoch or not isinstance(last, int):
        raise ValueError(
            f'The stages of {cfg.filename} are {names}, counted in '
            f'{"epochs" if by_epoch else "iterations"}, with '
            f'train_cfg.max_epochs={last}; expected {expected} in epochs')
    begins = [stage.begin for stage in stages]
    epochs = {
        name: range(begin + 1, min(end, last) + 1)
        for name, begin, end in zip(names, begins, [*begins[1:], last])
    }
    for name, found in epochs.items():
        if not found:
            raise ValueError(
                f'Stage {name!r} of {cfg.filename} begins at '
                f'train_cfg.max_epochs={last} or later; let each stage have '
                'one epoch or more')
    return epochs


def _in_order(stages: StageSettings) -> list[tuple[Stage, ConfigDict]]:
    """Return each stage and its settings with the name, in order."""
    by_name = isinstance(stages, Mapping)
    found = []
    for name, config in stages.items() if by_name else enumerate(stages):
        if by_name and config is None:
            continue
        if not isinstance(config, Mapping):
            raise ValueError(
                'stages must be a dict of settings by name such as '
                'dict(flow=dict(begin=0)), or a list of settings; got '
                f'{config!r} as the settings of {name!r}')
        if by_name and config.get('name', name) != name:
            raise ValueError(
                f'Stage {name!r} is named {config["name"]!r} in its own '
                'settings; leave that name out')
        config = ConfigDict({'name': name, **config} if by_name else config)
        found.append((Stage.from_config(config), config))
    if by_name:
        found.sort(key=lambda item: item[0].begin)
    begins = [stage.begin for stage, _ in found]
    if not begins or begins[0] != 0 or begins != sorted(set(begins)):
        raise ValueError('stages must begin at 0 and each later than the one '
                         f'before, got begin={begins}')
    return found
