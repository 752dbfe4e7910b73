# SPDX-License-Identifier: Apache-2.0
"""The start of a training: the same classifier for every estimator."""
from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.runner import save_checkpoint, set_random_seed
from torch import Tensor

from ...fileio.checkpoint import ESTIMATOR_PART, read_checkpoint


def write_start(path: Path, model: Mapping[str, Any], seed: int,
                weights: Mapping[str, Tensor] | None) -> None:
    """Write the checkpoint that a training loads first.

    A seed alone does not give every estimator the same classifier, since the
    trainer draws the estimator first, with more or fewer random numbers.
    Without ``weights`` the estimator is left to the trainer.
    """
    state = classifier_start(model, seed)
    for name, value in (weights or {}).items():
        state[ESTIMATOR_PART + name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        dict(state_dict=state), str(path), backend_args=dict(backend='atomic'))


def classifier_start(model: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Return the first weights of a recognizer without its estimator."""
    set_random_seed(seed)
    # Zero flow draws no random numbers.
    no_flow = dict(type='ZeroFlowEstimator')
    recognizer = MODELS.build(dict(model, flow_estimator=no_flow))
    logger = MMLogger.get_current_instance()
    level = logger.level
    # Initialization logs a line for each parameter.
    logger.setLevel(logging.WARNING)
    try:
        recognizer.init_weights()
    finally:
        logger.setLevel(level)
    return recognizer.state_dict()


def trained_weights(checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights of the estimator in a recognizer's checkpoint."""
    weights = read_checkpoint(
        str(checkpoint), 'the first stage', 'remove it to train anew')
    return {
        name[len(ESTIMATOR_PART):]: value
        for name, value in weights.items() if name.startswith(ESTIMATOR_PART)
    }
