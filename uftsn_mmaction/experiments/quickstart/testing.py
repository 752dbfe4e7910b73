# SPDX-License-Identifier: Apache-2.0
"""Tests with the stock runner that keep what a report shows."""
from __future__ import annotations

import copy
import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.runner import Runner
from mmengine.utils import ProgressBar

from ...fileio import AtomicLocalBackend


@dataclass(frozen=True)
class StreamResult:
    """What one stream did on the test set, and some flows to look at.

    Attributes:
        metrics: Metrics of the config's evaluator.
        scores: Class scores ``(N, num_classes)``.
        labels: True classes ``(N, )``.
        picture_labels: Classes of the clips to look at ``(K, )``.
        frames: A frame of each, 8-bit RGB ``(K, H, W, 3)``.
        gt_flows: True flow to the next frame, pixels, ``(K, 2, H, W)``.
        flows: Estimated flow ``(K, 2, H, W)``.
    """
    metrics: dict[str, float]
    scores: np.ndarray
    labels: np.ndarray
    picture_labels: np.ndarray
    frames: np.ndarray
    gt_flows: np.ndarray
    flows: np.ndarray

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file, complete or not at all."""
        arrays = asdict(self)
        arrays['metrics'] = np.array(json.dumps(self.metrics))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        AtomicLocalBackend().put(buffer.getvalue(), path)

    @classmethod
    def load(cls, path: Path) -> StreamResult:
        """Read what :meth:`save` has written."""
        with np.load(path, allow_pickle=False) as archive:
            arrays = {field.name: archive[field.name] for field in fields(cls)}
        arrays['metrics'] = json.loads(str(arrays['metrics']))
        return cls(**arrays)


class _Keeper(BaseMetric):
    """Keeps predictions, and one flow of each class to look at."""

    def __init__(self, picture_labels: Sequence[int], size: int) -> None:
        super().__init__()
        self.wanted = list(picture_labels)
        self.pictures: dict[int, tuple[np.ndarray, ...]] = {}
        self.kept: list[dict] = []
        self.progress = ProgressBar(size)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the scores of all samples and the flow of some."""
        for inputs, sample in zip(data_batch['inputs'], data_samples):
            label = int(sample['gt_label'])
            self.results.append(
                dict(score=sample['pred_score'], label=label))
            if label in self.wanted and label not in self.pictures:
                # The first clip's middle pair: M x C x T x H x W -> H x W x C
                pair = (inputs.shape[2] - 1) // 2
                frame = inputs[0, :, pair].permute(1, 2, 0)
                # M x 2 x (T-1) x H x W -> 2 x H x W
                self.pictures[label] = (
                    frame.cpu().numpy(),
                    sample['gt_flow'][0, :, pair].cpu().numpy(),
                    sample['pred_flow'][0, :, pair].cpu().numpy())
        self.progress.update(len(data_samples))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Keep the predictions; there is nothing to report."""
        self.kept = results
        # The bar leaves the cursor in its line.
        print()
        return {}

    def result(self, metrics: dict[str, float]) -> StreamResult:
        """What was kept, in the order of :attr:`wanted`."""
        labels = [label for label in self.wanted if label in self.pictures]
        pictures = [self.pictures[label] for label in labels]
        frames, gt_flows, flows = map(np.stack, zip(*pictures))
        return StreamResult(
            metrics={name: float(value)
                     for name, value in metrics.items()},
            scores=np.stack([item['score'].numpy() for item in self.kept]),
            labels=np.array([item['label'] for item in self.kept]),
            picture_labels=np.array(labels),
            frames=frames,
            gt_flows=gt_flows,
            flows=flows)


def build_test_runner(cfg: Config,
                      work_dir: Path,
                      checkpoint: Path | None = None) -> Runner:
    """A runner that tests and says little.

    Args:
        cfg: Config to test, which stays as it is.
        work_dir: Folder of the log.
        checkpoint: Weights; None for those of the start.
    """
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir)
    cfg.load_from = None if checkpoint is None else str(checkpoint)
    cfg.resume = False
    # Runners of one name would share their log.
    cfg.experiment_name = f'test_{uuid.uuid4().hex}'
    # Its metrics are in the report, the progress is shown by the bar.
    cfg.log_level = 'WARNING'
    return Runner.from_cfg(cfg)


def run_test(cfg: Config,
             work_dir: Path,
             checkpoint: Path | None = None,
             picture_labels: Sequence[int] = ()) -> StreamResult:
    """Test a model on the test set of its config.

    Args:
        cfg: Config whose model returns its flow (``test_cfg=dict(
            return_flow=True)``).
        work_dir: Folder of the log.
        checkpoint: Weights; None for those of the start.
        picture_labels: Classes of which a flow is kept, one clip each.

    Returns:
        The metrics of the config's evaluator, and what was kept.
    """
    runner = build_test_runner(cfg, work_dir, checkpoint)
    keeper = _Keeper(picture_labels, len(runner.test_dataloader.dataset))
    runner.test_evaluator.metrics.append(keeper)
    return keeper.result(runner.test())
