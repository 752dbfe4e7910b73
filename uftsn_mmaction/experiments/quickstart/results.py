# SPDX-License-Identifier: Apache-2.0
"""Tests that keep scores and flows for the report, and their files."""
from __future__ import annotations

import copy
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import DumpResults
from mmengine.runner import Runner
from mmengine.utils import ProgressBar

from ...fileio import AtomicLocalBackend

#: Key of the scores of a model that is no fusion.
SINGLE = 'stream'


@dataclass(frozen=True)
class TestResult:
    """Metrics, scores and some flows of a model on the test set.

    Attributes:
        metrics: Metrics of the config's evaluator.
        labels: True classes ``(N, )``.
        scores: Class scores ``(N, num_classes)``, of a fusion by stream.
        pictures: For K clips their ``labels`` ``(K, )``, a frame of each
            ``frames`` ``(K, H, W, 3)`` in 8-bit RGB, the true flow to the
            next frame ``gt_flows`` and the estimated ``flows``, both
            ``(K, 2, H, W)`` in pixels.
    """
    # No test class of pytest.
    __test__ = False

    metrics: Mapping[str, float]
    labels: np.ndarray
    scores: Mapping[str, np.ndarray]
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file, complete or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            metrics=np.array(json.dumps(self.metrics)),
            labels=self.labels,
            **{f'scores.{name}': array
               for name, array in self.scores.items()},
            **{f'pictures.{name}': array
               for name, array in self.pictures.items()})
        AtomicLocalBackend().put(buffer.getvalue(), path)

    @classmethod
    def load(cls, path: Path) -> TestResult:
        """Read a file of :meth:`save`."""
        with np.load(path, allow_pickle=False) as archive:
            parts = {
                part: {
                    name.partition('.')[2]: archive[name]
                    for name in archive.files if name.startswith(f'{part}.')
                }
                for part in ('scores', 'pictures')
            }
            return cls(
                json.loads(str(archive['metrics'])), archive['labels'],
                **parts)


class _Keeper(DumpResults):
    """Keeps all scores, in memory, and one flow of each wanted class."""

    def __init__(self, picture_labels: Sequence[int], size: int) -> None:
        super().__init__('unused.pkl')
        self.wanted = list(picture_labels)
        self.pictures: dict[int, dict[str, np.ndarray]] = {}
        self.progress = ProgressBar(size)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the scores of all samples and the flow of some."""
        for inputs, sample in zip(data_batch['inputs'], data_samples):
            label, scores = int(sample['gt_label']), sample['pred_score']
            if not isinstance(scores, dict):
                scores = {SINGLE: scores}
            self.results.append((label, {
                name: score.cpu().numpy()
                for name, score in scores.items()
            }))
            if label in self.wanted and label not in self.pictures:
                # The first clip's middle pair, of M x C x T x H x W.
                pair = (inputs.shape[2] - 1) // 2
                self.pictures[label] = dict(
                    frames=inputs[0, :, pair].permute(1, 2, 0).cpu().numpy(),
                    # M x 2 x (T-1) x H x W -> 2 x H x W
                    gt_flows=sample['gt_flow'][0, :, pair].cpu().numpy(),
                    flows=sample['pred_flow'][0, :, pair].cpu().numpy())
        self.progress.update(len(data_samples))

    def compute_metrics(self, results: list) -> dict:
        """Keep what was collected; there is nothing to report."""
        self.kept = results
        # The bar leaves the cursor in its line.
        print()
        return {}

    def result(self, metrics: Mapping[str, float]) -> TestResult:
        """Return everything kept, the pictures in the order wanted."""
        labels, scores = zip(*self.kept)
        shown = [label for label in self.wanted if label in self.pictures]
        pictures = {
            name: np.stack([self.pictures[label][name] for label in shown])
            for name in (self.pictures[shown[0]] if shown else ())
        }
        if shown:
            pictures['labels'] = np.array(shown)
        return TestResult(
            {name: float(value)
             for name, value in metrics.items()}, np.array(labels), {
                 name: np.stack([score[name] for score in scores])
                 for name in scores[0]
             }, pictures)


def run_test(cfg: Config,
             work_dir: Path,
             checkpoint: Path | None = None,
             picture_labels: Sequence[int] = ()) -> TestResult:
    """Test a model on the test set of its config.

    Args:
        cfg: Config, which stays as it is. For pictures its model returns the
            flow (``test_cfg=dict(return_flow=True)``).
        work_dir: Folder of the log.
        checkpoint: Weights; None for those that the config names, or random
            ones.
        picture_labels: Classes of which a flow is kept, one clip each.
    """
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir)
    cfg.load_from = None if checkpoint is None else str(checkpoint)
    cfg.resume = False
    # Runners of one name would share their log.
    cfg.experiment_name = f'test_{uuid.uuid4().hex}'
    # The report has the metrics, and the bar shows the progress.
    cfg.log_level = 'WARNING'
    runner = Runner.from_cfg(cfg)
    keeper = _Keeper(picture_labels, len(runner.test_dataloader.dataset))
    runner.test_evaluator.metrics.append(keeper)
    return keeper.result(runner.test())
