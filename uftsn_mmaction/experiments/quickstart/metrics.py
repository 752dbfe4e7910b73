# SPDX-License-Identifier: Apache-2.0
"""The numbers of a quickstart, as ``metrics.json`` holds them."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmaction.evaluation import ConfusionMatrix
from mmaction.registry import MODELS

from ...datasets.motion.classes import APPEARANCES, CLASSES, MOTIONS
from ..environment import environment
from .fusion_result import FusionResult
from .history import last_validation
from .plan import QuickstartPlan
from .testing import StreamResult


def collect_metrics(plan: QuickstartPlan,
                    history: Mapping[int, Mapping[str, float]],
                    results: Mapping[str, StreamResult],
                    fusion: FusionResult,
                    seconds: Mapping[str, float],
                    threads: int) -> dict[str, Any]:
    """Put together what was measured.

    Args:
        plan: What was run.
        history: Validation metrics of the staged training, by epoch.
        results: Tests of ``temporal`` (the trained stream), ``control`` and
            ``tvl1``.
        fusion: Test of both streams and their fusion.
        seconds: Duration of each phase.
        threads: Number of threads of the training.

    Returns:
        ``aepe*`` in pixels (end-point error averaged over all pixels of the
        test set: of zero flow, TV-L1, the random estimator, and ours after
        stage 1 and at the end), accuracies from 0 to 1, ``epochs`` from
        which the values of a stage are, ``seconds`` in all and
        of each phase, and ``settings``.
    """
    temporal, control = results['temporal'].metrics, results['control'].metrics
    epochs, after = {}, {}
    for name in ('flow', 'classifier'):
        epochs[name], after[name] = last_validation(history,
                                                    plan.epochs_of(name))
    return dict(
        aepe_zero=temporal['flow/AEPE_zero'],
        aepe_tvl1=results['tvl1'].metrics['flow/AEPE'],
        aepe_untrained=control['flow/AEPE'],
        aepe_stage1=after['flow']['flow/AEPE'],
        aepe=temporal['flow/AEPE'],
        motion_acc_chance=1 / len(MOTIONS),
        motion_acc_control=control['motion/top1'],
        motion_acc_stage2=after['classifier']['motion/top1'],
        motion_acc_stage3=temporal['motion/top1'],
        top1_chance=1 / len(CLASSES),
        top1_control=control['acc/top1'],
        top1_stage2=after['classifier']['acc/top1'],
        top1_temporal=temporal['acc/top1'],
        top1_spatial=fusion.metrics['acc/spatial_top1'],
        top1_fusion=fusion.metrics['acc/fusion_top1'],
        top1_fusion_prob=fusion.metrics['acc/fusion_prob_top1'],
        epochs=dict(
            stage1=epochs['flow'],
            stage2=epochs['classifier'],
            stage3=plan.max_epochs),
        seconds=sum(seconds.values()),
        seconds_of_phases=dict(seconds),
        settings=_settings(plan, threads))


def _settings(plan: QuickstartPlan, threads: int) -> dict[str, Any]:
    """All that someone needs to repeat the run."""
    tvl1 = MODELS.build(plan.tvl1_config().model.flow_estimator)
    return dict(
        config=plan.config_file,
        cfg_options=list(plan.options),
        seed=(plan.cfg.get('randomness') or {}).get('seed'),
        threads=threads,
        device=torch.cuda.get_device_name()
        if torch.cuda.is_available() else 'CPU',
        tvl1=dict(tvl1.settings),
        versions=environment())


def motion_confusion(result: StreamResult,
                     from_scores: bool = False) -> np.ndarray:
    """Confusion matrix of the motions ``(8, 8)``, whatever the tint.

    Args:
        result: Test of a stream.
        from_scores: True where its scores are no probabilities, as for
            ``MotionAccuracy``, with which the matrix agrees.
    """
    scores = torch.from_numpy(result.scores).float()
    if from_scores:
        scores = scores.softmax(dim=1)
    # N x num_classes -> N x num_motions
    scores = scores.view(len(scores), -1, len(APPEARANCES)).sum(dim=2)
    labels = torch.from_numpy(result.labels) // len(APPEARANCES)
    return ConfusionMatrix.calculate(scores, labels).numpy()


def class_confusion(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Confusion matrix of all classes ``(16, 16)``.

    Args:
        scores: Class scores ``(N, 16)``.
        labels: True classes ``(N, )``.
    """
    return ConfusionMatrix.calculate(scores, labels).numpy()
