# SPDX-License-Identifier: Apache-2.0
"""What someone needs to repeat an evaluation of flow estimators."""
from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from .versions import library_versions


def flow_settings(specs: Sequence[str], estimators: Mapping[str, nn.Module],
                  device: torch.device, seed: int) -> dict[str, Any]:
    """Settings of an evaluation, ready for JSON.

    Args:
        specs: What was asked for.
        estimators: What was built of it, by name and in that order.
        device: Where it ran.
        seed: Of random weights and generated pairs.
    """
    is_gpu = device.type == 'cuda'
    return dict(
        command=shlex.join(sys.argv),
        device=torch.cuda.get_device_name(device) if is_gpu else device.type,
        threads=torch.get_num_threads(),
        seed=seed,
        versions=library_versions(),
        estimators=[
            dict(
                name=name,
                spec=spec,
                type=type(estimator).__name__,
                parameters=sum(p.numel() for p in estimator.parameters()),
                settings=estimator.extra_repr())
            for spec, (name, estimator) in zip(specs, estimators.items())
        ])


def settings_lines(settings: Mapping[str, Any]) -> list[str]:
    """The settings for the screen, those of the estimators first."""
    lines = [
        f'{item["name"]}: {item["settings"]}'
        for item in settings['estimators'] if item['settings']
    ]
    versions = ', '.join(f'{name} {version}'
                         for name, version in settings['versions'].items())
    return [
        *lines, f'{versions}; device {settings["device"]}, threads '
        f'{settings["threads"]}, seed {settings["seed"]}'
    ]
