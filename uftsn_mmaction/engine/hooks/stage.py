# SPDX-License-Identifier: Apache-2.0
"""One stage of training: what it holds and what makes sense (sec. 3.2)."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_CLASSIFIER = ('backbone', 'neck', 'cls_head')

#: The three stages of sec. 3.2. A tenth of the unsupervised terms in the
#: last one keeps the flow a flow while the class pulls at it.
PRESETS: dict[str, dict[str, Any]] = {
    'flow':
    dict(train=('flow_estimator', ), losses=dict(flow=1.0)),
    'classifier':
    dict(train=_CLASSIFIER, losses=dict(cls=1.0)),
    'joint':
    dict(
        train=('flow_estimator', *_CLASSIFIER),
        losses=dict(cls=1.0, flow=0.1)),
}


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
        lr: Learning rate, one for all parts or one per part; None leaves
            that of the optimizer. Schedulers multiply it as they do the
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
        """Check one entry of ``stages`` and fill in what its name implies."""
        config = dict(config)
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(config) - known)
        if unknown:
            raise ValueError(f'A stage knows the settings {sorted(known)}, '
                             f'got {unknown}')
        if 'name' not in config or 'begin' not in config:
            raise ValueError('Each stage needs name and begin, got '
                             f'{config}')
        name = config['name']
        settings = {**PRESETS.get(name, {}), **config}
        for key in ('train', 'losses'):
            if not settings.get(key):
                reason = (f'sets {key} to nothing' if key in settings else
                          f'is none of {tuple(PRESETS)} and has no {key}')
                raise ValueError(
                    f'Stage {name!r} {reason}; name a known stage or state '
                    'both train=[...] and losses=dict(...)')
        if not isinstance(settings['losses'], Mapping):
            raise ValueError(f'losses of stage {name!r} must be a dict of '
                             'weights such as dict(cls=1.0), got '
                             f"{settings['losses']!r}")
        begin = settings['begin']
        if type(begin) is not int or begin < 0:
            raise ValueError(f'begin of stage {name!r} must be an epoch or '
                             f'iteration from 0 on, got {begin!r}')
        lr = settings.get('lr')
        rates = lr.values() if isinstance(lr, Mapping) else [lr]
        if lr is not None and not all(
                isinstance(rate, (int, float)) and rate > 0
                for rate in rates):
            raise ValueError(f'lr of stage {name!r} must be a number above 0, '
                             f'or one for each part, got {lr!r}')
        train = settings['train']
        settings['train'] = (train, ) if isinstance(train,
                                                    str) else tuple(train)
        settings['losses'] = dict(settings['losses'])
        return cls(**settings)

    def rate_of(self, part: str, default: float) -> float:
        """Learning rate of a part, ``default`` where the stage is silent."""
        if isinstance(self.lr, Mapping):
            return self.lr.get(part, default)
        return default if self.lr is None else self.lr


def build_stages(configs: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """Check the list of stages as a whole.

    Raises:
        ValueError: There is no stage, the first does not begin at 0, or they
            are not in order.
    """
    if isinstance(configs, Mapping):
        raise ValueError('stages must be a list of dicts, got one dict: '
                         f'{dict(configs)}')
    stages = tuple(Stage.from_config(config) for config in configs)
    begins = [stage.begin for stage in stages]
    if not stages or begins[0] != 0 or begins != sorted(set(begins)):
        raise ValueError('stages must begin at 0 and each later than the one '
                         f'before, got begin={begins}')
    return stages
