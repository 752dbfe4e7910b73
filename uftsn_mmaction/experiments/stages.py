# SPDX-License-Identifier: Apache-2.0
"""The three stages of sec. 3.2 in a config, and the epochs of each."""
from __future__ import annotations

from mmengine.config import Config

from ..engine.hooks.stage import PRESETS, stage_configs, staged_hook


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
