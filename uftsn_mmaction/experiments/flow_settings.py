# SPDX-License-Identifier: Apache-2.0
"""Settings that repeat an evaluation of flow estimators."""
from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from .environment import environment, environment_text


def flow_settings(specs: Sequence[str], estimators: Mapping[str, nn.Module],
                  device: torch.device, seed: int) -> dict[str, Any]:
    """Return the settings of an evaluation, ready for JSON.

    Args:
        specs: Specifications of the estimators.
        estimators: Estimators built from them, by name and in their order.
        device: Device of the evaluation.
        seed: Seed of random weights and generated pairs.
    """
    return dict(
        command=shlex.join(sys.argv),
        device=str(device),
        threads=torch.get_num_threads(),
        seed=seed,
        environment=environment(),
        estimators=[
            dict(
                name=name,
                spec=spec,
                type=type(estimator).__name__,
                parameters=sum(p.numel() for p in estimator.parameters()),
                settings=estimator.extra_repr())
            for spec, (name, estimator) in zip(specs, estimators.items())
        ])


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return the settings for a terminal, those of the estimators first."""
    return '\n'.join([
        *(f'{item["name"]}: {item["settings"]}'
          for item in settings['estimators'] if item['settings']),
        f'device: {settings["device"]}; threads: {settings["threads"]}; '
        f'seed: {settings["seed"]}',
        environment_text(settings['environment'])
    ])
