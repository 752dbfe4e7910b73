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
    """Metrics, scores and some flows of a model on N test videos.

    ``labels`` are ``(N, )``, ``scores`` ``(N, num_classes)`` by stream. The
    ``pictures`` of K clips are their ``labels`` ``(K, )``, ``frames``
    ``(K, H, W, 3)`` in 8-bit RGB, and the true and estimated flow to the next
    frame, ``gt_flows`` and ``flows`` ``(K, 2, H, W)``.
    """
    # No test class of pytest.
    __test__ = False

    metrics: Mapping[str, float]
    labels: np.ndarray
    scores: Mapping[str, np.ndarray]
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file, complete or not at all."""
        arrays = {f'{part}.{name}': array
                  for part in ('scores', 'pictures')
                  for name, array in getattr(self, part).items()}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, metrics=np.array(json.dumps(self.metrics)),
            labels=self.labels, **arrays)
        AtomicLocalBackend().put(buffer.getvalue(), path)

    @classmethod
    def load(cls, path: Path) -> TestResult:
        """Read a file of :meth:`save`."""
        with np.load(path, allow_pickle=False) as archive:
            scores, pictures = (
                {name.partition('.')[2]: archive[name]
                 for name in archive.files if name.startswith(part)}
                for part in ('scores.', 'pictures.'))
            return cls(json.loads(str(archive['metrics'])),
                       archive['labels'], scores, pictures)


class _Keeper(DumpResults):
    """Keeps all scores, in memory, and one flow of each wanted class."""

    def __init__(self, picture_labels: Sequence[int], size: int) -> None:
        super().__init__('unused.pkl')
        self.pictures: dict[int, dict | None] = dict.fromkeys(picture_labels)
        self.progress = ProgressBar(size)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for inputs, sample in zip(data_batch['inputs'], data_samples):
            label, scores = int(sample['gt_label']), sample['pred_score']
            if not isinstance(scores, dict):
                scores = {SINGLE: scores}
            self.results.append((label, {name: score.cpu().numpy()
                                         for name, score in scores.items()}))
            # Wanted, and not found so far.
            if self.pictures.get(label, ()) is None:
                # The first clip's middle pair, of M x C x T x H x W.
                pair = (inputs.shape[2] - 1) // 2
                self.pictures[label] = dict(
                    labels=label,
                    frames=inputs[0, :, pair].permute(1, 2, 0).cpu().numpy(),
                    # M x 2 x (T-1) x H x W -> 2 x H x W
                    gt_flows=sample['gt_flow'][0, :, pair].cpu().numpy(),
                    flows=sample['pred_flow'][0, :, pair].cpu().numpy())
        self.progress.update(len(data_samples))

    def compute_metrics(self, results: list) -> dict:
        self.kept = results
        # The bar leaves the cursor in its line.
        print()
        return {}


def _stack(records: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Stack the values of records that have the same names."""
    return {name: np.stack([record[name] for record in records])
            for name in (records[0] if records else ())}


def run_test(cfg: Config, work_dir: Path, checkpoint: Path | None = None,
             picture_labels: Sequence[int] = ()) -> TestResult:
    """Test a model; keep the flow of a clip of each class in picture_labels.

    For that the model has ``test_cfg=dict(return_flow=True)``. Without a
    checkpoint its weights are those that the config names, or random.
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
    metrics = {name: float(value) for name, value in runner.test().items()}
    labels, scores = zip(*keeper.kept)
    pictures = [picture for picture in keeper.pictures.values() if picture]
    return TestResult(metrics, np.array(labels), _stack(scores),
                      _stack(pictures))
