# SPDX-License-Identifier: Apache-2.0
"""Estimators side by side, to be compared."""
from __future__ import annotations

from collections.abc import Sequence

import torch

from ..models.flow import FlowEstimator
from ..models.flow_zoo import RANDOM, build_estimator, short_names


def build_estimators(texts: Sequence[str], device: str | torch.device = 'cpu',
                     seed: int = 0) -> dict[str, FlowEstimator]:
    """Build estimators by short names, none of which changes another one.

    Args:
        texts: Specification of each, see :func:`build_estimator`.
        device: Device of all.
        seed: Seed of random weights, which the names then tell.
    """
    estimators = {}
    for name, text in zip(short_names(texts), texts):
        torch.manual_seed(seed)
        estimator = build_estimator(text).to(device)
        if estimator.has_random_weights:
            name += RANDOM
        estimators[name] = estimator
    return estimators
