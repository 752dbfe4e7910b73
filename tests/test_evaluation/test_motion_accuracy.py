# SPDX-License-Identifier: Apache-2.0
"""Accuracy over groups of classes against a count by hand."""
import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from uftsn_mmaction.evaluation import MotionAccuracy


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    torch.set_num_threads(1)


def score(scores, labels, metric=MotionAccuracy, **kwargs):
    """Metrics of samples, the way the test loop gets them."""
    evaluator = Evaluator(metric(**kwargs))
    for pred, label in zip(scores, labels):
        sample = ActionDataSample().set_gt_label(label).set_pred_score(pred)
        evaluator.process([sample])
    return evaluator.evaluate(len(labels))


def test_confusion_within_a_group_is_no_error():
    # Three motions in two tints; the tint is a coin toss.
    scores = torch.tensor([
        [0.1, 0.5, 0.1, 0.1, 0.1, 0.1],  # motion 0, wrong tint
        [0.1, 0.1, 0.4, 0.2, 0.1, 0.1],  # motion 1, right tint
        [0.4, 0.0, 0.0, 0.0, 0.3, 0.3],  # motion 2 by the sum alone
        [0.6, 0.1, 0.1, 0.1, 0.1, 0.0],  # motion 0, truth 1
    ])
    labels = [0, 2, 5, 3]
    assert score(scores, labels, group_size=2) == {'motion/top1': 0.75}
    stock = score(
        scores,
        labels,
        metric=AccMetric,
        metric_options=dict(top_k_accuracy=dict(topk=(1, ))))
    assert stock['acc/top1'] == 0.25


def test_groups_are_a_free_mapping():
    scores = torch.tensor([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3]])
    metrics = score(scores, [1, 0], groups=[0, 1, 1])
    assert metrics == {'motion/top1': 0.5}


def test_softmax_before_the_sum():
    """A sum of scores and a sum of probabilities can disagree."""
    scores = torch.tensor([[4., -9., 2., 2.]])
    assert score(scores, [0], group_size=2, from_scores=True) == {
        'motion/top1': 1
    }
    assert scores.view(2, 2).sum(-1).argmax() == 1


def test_equals_accmetric_on_groups_of_one():
    probabilities = torch.randn(
        50, 7, generator=torch.Generator().manual_seed(0)).softmax(-1)
    labels = [i % 7 for i in range(50)]
    options = dict(
        metric_list=('top_k_accuracy', 'mean_class_accuracy'),
        metric_options=dict(top_k_accuracy=dict(topk=(1, 3))))
    ours = score(
        probabilities, labels, group_size=1, prefix='acc', **options)
    stock = score(probabilities, labels, metric=AccMetric, **options)
    assert set(ours) == {'acc/top1', 'acc/top3', 'acc/mean1'}
    assert ours == pytest.approx(stock)


def test_streams_are_scored_one_by_one():
    metric = METRICS.build(dict(type='MotionAccuracy', group_size=2))
    right = torch.tensor([0.1, 0.7, 0.1, 0.1])
    metric.process(None, [
        dict(
            pred_score=dict(motion=right, spatial=right.flip(0)),
            gt_label=torch.tensor([0]))
    ])
    assert metric.evaluate(1) == {
        'motion/motion_top1': 1,
        'motion/spatial_top1': 0
    }


def test_the_sample_itself_stays_as_it_was():
    metric = MotionAccuracy(group_size=2)
    sample = dict(
        pred_score=torch.tensor([0.1, 0.7, 0.1, 0.1]),
        gt_label=torch.tensor([3]),
        pred_flow=torch.zeros(1))
    metric.process(None, [sample])
    assert sample['gt_label'].item() == 3 and len(sample['pred_score']) == 4
    assert set(metric.results[0]) == {'pred', 'label'}
    np.testing.assert_allclose(metric.results[0]['pred'], [0.8, 0.2])


def test_scores_are_not_taken_for_probabilities():
    with pytest.raises(ValueError, match='from_scores'):
        score(torch.tensor([[5., -3., 1., 0.]]), [0], group_size=2)


@pytest.mark.parametrize('from_scores', [True, False])
@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_scores_that_are_not_finite_are_no_predictions(from_scores, bad):
    with pytest.raises(ValueError, match='pred_score'):
        score(
            torch.tensor([[bad, 0., 1., 0.]]), [0],
            group_size=2,
            from_scores=from_scores)


def test_classes_have_to_fit():
    probabilities = torch.full((1, 5), 0.2)
    with pytest.raises(ValueError, match='group_size=2.* 5 '):
        score(probabilities, [0], group_size=2)
    with pytest.raises(ValueError, match='groups .* 5 .*2'):
        score(probabilities, [0], groups=[0, 1])
    with pytest.raises(ValueError, match='label.* 2'):
        score(probabilities, [[0, 1]], group_size=1)


@pytest.mark.parametrize('setting, words', [
    (dict(), 'group_size=None and groups=None'),
    (dict(group_size=2, groups=[0]), r'group_size=2 and groups=\[0\]'),
    (dict(group_size=0), 'group_size .*0'),
    (dict(groups=[0, 2]), r'groups .*\[0, 2\]'),
])
def test_bad_settings(setting, words):
    with pytest.raises(ValueError, match=words):
        MotionAccuracy(**setting)
