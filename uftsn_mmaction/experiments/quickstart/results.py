# SPDX-License-Identifier: Apache-2.0
"""Tests of a quickstart, their files and ``metrics.json``."""
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
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.evaluator import DumpResults
from mmengine.runner import Runner

from ...datasets.motion.classes import CLASSES, MOTIONS
from ...engine.hooks.stage import stage_epochs
from ...fileio import AtomicLocalBackend
from ...progress import Progress
from ..environment import environment
from .plan import QuickstartPlan

#: Key of the scores of a model that is no fusion.
SINGLE = 'stream'
# Names of versions in metrics.json, and in the environment.
_VERSIONS = {
    'python': 'Python', 'torch': 'PyTorch', 'torchvision': 'TorchVision',
    'opencv': 'OpenCV', 'mmengine': 'MMEngine',
    **{name: name for name in ('uftsn_mmaction', 'numpy', 'mmcv', 'mmcv-lite',
                               'mmaction2', 'ptlflow')}
}


@dataclass(frozen=True)
class TestResult:
    """Metrics, scores and some flows of a model on N test videos.

    ``labels`` are ``(N, )``, ``scores`` ``(N, num_classes)`` by stream. The
    ``pictures`` of K clips are their ``labels`` ``(K, )``, ``frames``
    ``(K, H, W, 3)`` in 8-bit RGB, and the true and estimated flow to the next
    frame, ``gt_flows`` and ``flows`` ``(K, 2, H, W)``; also the whole
    ``clips`` ``(K, T, H, W, 3)`` with their ``clip_flows``
    ``(K, 2, T-1, H, W)``.
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
        self.progress = Progress(size, 'samples')

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
                # C x T x H x W -> T x H x W x C
                clip = inputs[0].permute(1, 2, 3, 0).cpu().numpy()
                # 2 x (T-1) x H x W
                flow = sample['pred_flow'][0].cpu().numpy()
                self.pictures[label] = dict(
                    labels=label,
                    frames=clip[pair],
                    gt_flows=sample['gt_flow'][0, :, pair].cpu().numpy(),
                    flows=flow[:, pair],
                    clips=clip,
                    clip_flows=flow)
        self.progress.update(len(data_samples))

    def compute_metrics(self, results: list) -> dict:
        self.kept = results
        self.progress.close()
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


def last_validation(history: Mapping[int, Mapping[str, float]],
                    epochs: Sequence[int]) -> tuple[int, Mapping[str, float]]:
    """Return the last of some epochs with a validation, and its metrics."""
    known = [epoch for epoch in epochs if epoch in history]
    if not known:
        raise ValueError(
            f'The training was validated after the epochs {list(history)}, '
            f'but not after any of {list(epochs)}; train anew with --restart')
    return known[-1], history[known[-1]]


def collect_metrics(plan: QuickstartPlan,
                    history: Mapping[int, Mapping[str, float]],
                    results: Mapping[str, TestResult],
                    seconds: Mapping[str, float],
                    threads: int | None) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    Those are ``aepe*`` in pixels, over all pixels of the test set, with
    ``aepe_start`` None where the estimator starts at random; accuracies
    from 0 to 1; the ``epochs`` after which the stages were validated;
    ``seconds`` in all and by phase; and ``settings`` to repeat the run with.
    """
    temporal, control, tvl1, fusion = (
        results[name].metrics
        for name in ('temporal', 'control', 'tvl1', 'fusion'))
    stages, epochs, after = stage_epochs(plan.motion), {}, {}
    for name in ('flow', 'classifier'):
        epochs[name], after[name] = last_validation(history, stages[name])
    solver = MODELS.build(plan.tvl1_config().model.flow_estimator)
    found = environment()
    return dict(
        aepe_zero=temporal['flow/AEPE_zero'],
        aepe_tvl1=tvl1['flow/AEPE'],
        aepe_untrained=control['flow/AEPE'],
        aepe_start=(results['start'].metrics['flow/AEPE']
                    if plan.pretrained else None),
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
        top1_spatial=fusion['acc/spatial_top1'],
        top1_fusion=fusion['acc/fusion_top1'],
        top1_fusion_prob=fusion['acc/fusion_prob_top1'],
        epochs=dict(
            stage1=epochs['flow'],
            stage2=epochs['classifier'],
            stage3=plan.motion.train_cfg.max_epochs),
        seconds=sum(seconds.values()),
        seconds_of_phases=dict(seconds),
        settings=dict(
            config=plan.motion.filename,
            cfg_options=[f'{key}={value}'
                         for key, value in plan.options.items()],
            seed=(plan.motion.get('randomness') or {}).get('seed'),
            threads=threads,
            device=torch.cuda.get_device_name()
            if torch.cuda.is_available() else 'CPU',
            tvl1=dict(solver.settings),
            versions={key: found[name].split()[0]
                      for key, name in _VERSIONS.items() if name in found}))
