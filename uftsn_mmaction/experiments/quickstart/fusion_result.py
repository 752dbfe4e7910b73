# SPDX-License-Identifier: Apache-2.0
"""One test of all streams and their fusion, and its file."""
from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import BaseMetric

from ...fileio import AtomicLocalBackend
from .testing import build_test_runner


@dataclass(frozen=True)
class FusionResult:
    """What the streams and their fusion did on the test set.

    Attributes:
        metrics: Metrics of the config's evaluator.
        scores: Averages ``(N, num_classes)`` by the name of the stream;
            ``fusion`` and the fusion by the other average among them.
        labels: True classes ``(N, )``.
    """
    metrics: dict[str, float]
    scores: dict[str, np.ndarray]
    labels: np.ndarray

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file, complete or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            metrics=np.array(json.dumps(self.metrics)),
            labels=self.labels,
            **{f'scores_{name}': array
               for name, array in self.scores.items()})
        AtomicLocalBackend().put(buffer.getvalue(), path)

    @classmethod
    def load(cls, path: Path) -> FusionResult:
        """Read what :meth:`save` has written."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(
                metrics=json.loads(str(archive['metrics'])),
                scores={
                    name.removeprefix('scores_'): archive[name]
                    for name in archive.files if name.startswith('scores_')
                },
                labels=archive['labels'])


class _ScoreKeeper(BaseMetric):
    """Keeps the scores of all streams."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[dict] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep scores and labels."""
        for sample in data_samples:
            self.results.append(
                dict(
                    scores={
                        name: score.cpu().numpy()
                        for name, score in sample['pred_score'].items()
                    },
                    label=int(sample['gt_label'])))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Keep the predictions; there is nothing to report."""
        self.kept = results
        return {}


def run_fusion_test(cfg: Config, work_dir: Path) -> FusionResult:
    """Test a fusion on the test set of its config.

    Args:
        cfg: Config with ``StreamScoresHook``, whose streams have checkpoints.
        work_dir: Folder of the log.
    """
    runner = build_test_runner(cfg, work_dir)
    keeper = _ScoreKeeper()
    runner.test_evaluator.metrics.append(keeper)
    metrics = runner.test()
    names = keeper.kept[0]['scores']
    return FusionResult(
        metrics={name: float(value)
                 for name, value in metrics.items()},
        scores={
            name: np.stack([item['scores'][name] for item in keeper.kept])
            for name in names
        },
        labels=np.array([item['label'] for item in keeper.kept]))
