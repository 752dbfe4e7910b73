# SPDX-License-Identifier: Apache-2.0
"""Where a training starts: the same classifier for every estimator."""
from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.runner import save_checkpoint, set_random_seed
from torch import Tensor

from ...fileio.checkpoint import ESTIMATOR_PART, load_weights

# It draws no random numbers.
_NO_FLOW = dict(type='ZeroFlowEstimator')


def write_start(path: Path, model: Mapping[str, Any], seed: int,
                weights: Mapping[str, Tensor] | None) -> None:
    """Write the checkpoint that a training loads first.

    A seed alone does not give the same classifier everywhere: the trainer
    draws it after the weights of the estimator, which draw more or less.

    Args:
        path: File to write.
        model: Config of the recognizer.
        seed: Seed of the classifier.
        weights: Weights of the estimator; None leaves them to the trainer.
    """
    state = classifier_start(model, seed)
    state.update({
        ESTIMATOR_PART + name: value
        for name, value in (weights or {}).items()
    })
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        dict(state_dict=state), str(path), backend_args=dict(backend='atomic'))


def classifier_start(model: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """First weights of a recognizer, its estimator aside.

    Args:
        model: Config of the recognizer; the estimator does not matter.
        seed: Random seed.
    """
    model = copy.deepcopy(dict(model))
    model['flow_estimator'] = dict(_NO_FLOW)
    set_random_seed(seed)
    recognizer = MODELS.build(model)
    # It tells of every parameter.
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        recognizer.init_weights()
    finally:
        logger.setLevel(level)
    return recognizer.state_dict()


def trained_weights(estimator: Mapping[str, Any],
                    checkpoint: Path) -> dict[str, Tensor]:
    """Weights of an estimator out of a recognizer's checkpoint.

    Raises:
        FileNotFoundError: There is no such checkpoint.
        ValueError: It does not fit.
    """
    model = MODELS.build(dict(estimator))
    load_weights(model, str(checkpoint), "'ours'", part=ESTIMATOR_PART)
    return model.state_dict()
