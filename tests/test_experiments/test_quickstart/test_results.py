# SPDX-License-Identifier: Apache-2.0
"""Results survive their file, and the matrices agree with the metrics."""
import numpy as np
import pytest
import torch

from uftsn_mmaction.evaluation import MotionAccuracy
from uftsn_mmaction.experiments.quickstart.fusion_result import FusionResult
from uftsn_mmaction.experiments.quickstart.metrics import (
    class_confusion,
    motion_confusion,
)
from uftsn_mmaction.experiments.quickstart.testing import StreamResult


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 16)).astype(np.float32)
    return StreamResult(
        metrics={
            'acc/top1': 0.25,
            'flow/AEPE': float('nan')
        },
        scores=torch.from_numpy(logits).softmax(dim=1).numpy(),
        labels=rng.integers(0, 16, 50),
        picture_labels=np.array([3, 9]),
        frames=rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8),
        gt_flows=rng.normal(size=(2, 2, 8, 8)).astype(np.float32),
        flows=rng.normal(size=(2, 2, 8, 8)).astype(np.float32))


def test_file_gives_back_all(result, tmp_path):
    result.save(tmp_path / 'new' / 'temporal.npz')
    found = StreamResult.load(tmp_path / 'new' / 'temporal.npz')
    assert found.metrics['acc/top1'] == 0.25
    assert np.isnan(found.metrics['flow/AEPE'])
    for name in ('scores', 'labels', 'picture_labels', 'frames', 'gt_flows',
                 'flows'):
        expected, array = getattr(result, name), getattr(found, name)
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize('from_scores', [False, True])
def test_motion_confusion_agrees_with_motion_accuracy(result, from_scores):
    metric = MotionAccuracy(group_size=2, from_scores=from_scores)
    metric.process(None, [
        dict(
            pred_score=torch.from_numpy(score),
            gt_label=torch.tensor([int(label)]))
        for score, label in zip(result.scores, result.labels)
    ])
    accuracy = metric.evaluate(50)['motion/top1']
    matrix = motion_confusion(result, from_scores)
    assert matrix.shape == (8, 8)
    assert np.trace(matrix) / 50 == pytest.approx(accuracy)
    # Rows are the true motions.
    np.testing.assert_array_equal(
        matrix.sum(axis=1), np.bincount(result.labels // 2, minlength=8))


def test_class_confusion_counts_each_sample(result):
    expected = np.zeros((16, 16), dtype=int)
    np.add.at(expected, (result.labels, result.scores.argmax(axis=1)), 1)
    found = class_confusion(result.scores, result.labels)
    np.testing.assert_array_equal(found, expected)


def test_file_gives_back_all_streams(tmp_path):
    rng = np.random.default_rng(0)
    result = FusionResult(
        metrics={'acc/fusion_top1': 0.5},
        scores={
            name: rng.normal(size=(5, 16)).astype(np.float32)
            for name in ('spatial', 'temporal', 'fusion', 'fusion_prob')
        },
        labels=rng.integers(0, 16, 5))
    result.save(tmp_path / 'new' / 'fusion.npz')
    found = FusionResult.load(tmp_path / 'new' / 'fusion.npz')
    assert found.metrics == result.metrics
    assert found.scores.keys() == result.scores.keys()
    for name, array in result.scores.items():
        np.testing.assert_array_equal(found.scores[name], array)
    np.testing.assert_array_equal(found.labels, result.labels)
