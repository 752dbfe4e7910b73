# SPDX-License-Identifier: Apache-2.0
"""Results survive their file, and the matrices agree with the metrics."""
import numpy as np
import pytest
import torch

from uftsn_mmaction.evaluation import MotionAccuracy
from uftsn_mmaction.experiments.quickstart.report import (
    class_confusion,
    motion_confusion,
)
from uftsn_mmaction.experiments.quickstart.results import SINGLE, TestResult


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 16)).astype(np.float32)
    return TestResult(
        metrics={
            'acc/top1': 0.25,
            'flow/AEPE': float('nan')
        },
        labels=rng.integers(0, 16, 50),
        scores={
            SINGLE: torch.from_numpy(logits).softmax(dim=1).numpy(),
            'fusion_prob': rng.normal(size=(50, 16))
        },
        pictures=dict(
            labels=np.array([3, 9]),
            frames=rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8),
            gt_flows=rng.normal(size=(2, 2, 8, 8)).astype(np.float32),
            flows=rng.normal(size=(2, 2, 8, 8)).astype(np.float32)))


def test_file_gives_back_all(result, tmp_path):
    result.save(tmp_path / 'new' / 'temporal.npz')
    found = TestResult.load(tmp_path / 'new' / 'temporal.npz')
    assert found.metrics['acc/top1'] == 0.25
    assert np.isnan(found.metrics['flow/AEPE'])
    np.testing.assert_array_equal(found.labels, result.labels)
    for expected, part in ((result.scores, found.scores),
                           (result.pictures, found.pictures)):
        assert part.keys() == expected.keys()
        for name, array in part.items():
            assert array.dtype == expected[name].dtype
            np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize('from_scores', [False, True])
def test_motion_confusion_agrees_with_motion_accuracy(result, from_scores):
    metric = MotionAccuracy(group_size=2, from_scores=from_scores)
    metric.process(None, [
        dict(
            pred_score=torch.from_numpy(score),
            gt_label=torch.tensor([int(label)]))
        for score, label in zip(result.scores[SINGLE], result.labels)
    ])
    accuracy = metric.evaluate(50)['motion/top1']
    matrix = motion_confusion(result, from_scores)
    assert matrix.shape == (8, 8)
    assert np.trace(matrix) / 50 == pytest.approx(accuracy)
    # Rows are the true motions.
    np.testing.assert_array_equal(
        matrix.sum(axis=1), np.bincount(result.labels // 2, minlength=8))


@pytest.mark.parametrize('name', [SINGLE, 'fusion_prob'])
def test_class_confusion_counts_each_sample(result, name):
    expected = np.zeros((16, 16), dtype=int)
    np.add.at(expected, (result.labels, result.scores[name].argmax(axis=1)), 1)
    np.testing.assert_array_equal(class_confusion(result, name), expected)
