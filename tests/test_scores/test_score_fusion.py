# SPDX-License-Identifier: Apache-2.0
"""The weighted mean, and what is averaged."""
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from uftsn_mmaction.scores.score_file import ScoreFile
from uftsn_mmaction.scores.score_fusion import (
    averaged_scores,
    choose_average,
    score_accuracy,
    weighted_mean,
)


def file(name, scores):
    return ScoreFile(name, name, scores,
                     torch.zeros(len(scores), dtype=torch.long))


@pytest.fixture
def scores():
    return torch.randn(6, 4)


def test_the_mean_is_weighted_and_a_mean():
    one, two = torch.tensor([[1., 5.]]), torch.tensor([[4., -1.]])
    assert torch.equal(
        weighted_mean([one, two], [1, 2]), torch.tensor([[3., 1.]]))
    assert torch.equal(weighted_mean([one, two], [0, 0.5]), two)
    assert torch.equal(weighted_mean([one, one], [3, 7]), one)


@pytest.mark.parametrize('weights', [
    [1],
    [1, 1, 1],
    [1, -1],
    [0, 0],
    [1, float('nan')],
    [float('nan'), 1],
    [1, float('inf')],
])
def test_weights_that_make_no_mean_are_refused(weights):
    with pytest.raises(ValueError, match='weights') as caught:
        weighted_mean([torch.ones(1, 2)] * 2, weights)
    value = weights if len(weights) == 2 else len(weights)
    assert str(value) in str(caught.value)


def test_the_files_tell_what_is_averaged(scores):
    score, prob = file('s.pkl', scores), file('p.pkl', scores.softmax(1))
    for files, expected in (([score, score], 'score'), ([prob, prob], 'prob')):
        for average in ('auto', expected):
            kind, description = choose_average(files, average)
            assert kind == expected
            assert 'softmax' not in description
    with pytest.raises(ValueError, match='--average prob') as caught:
        choose_average([score, prob])
    assert 's.pkl' in str(caught.value) and 'p.pkl' in str(caught.value)


def test_scores_become_probabilities_but_not_the_other_way(scores):
    score, prob = file('s.pkl', scores), file('p.pkl', scores.softmax(1))
    kind, description = choose_average([score, prob], 'prob')
    assert kind == 'prob'
    # Else the result would be taken for that of a test of the fusion.
    assert 'softmax of the scores in s.pkl)' in description
    assert 'model.average=prob' in description
    one, two = averaged_scores([score, prob], 'prob')
    # A second softmax would flatten the second one.
    torch.testing.assert_close(one, two)
    assert averaged_scores([score], 'score')[0] is score.scores
    with pytest.raises(ValueError, match='p.pkl .*average_clips'):
        choose_average([score, prob], 'score')
    with pytest.raises(ValueError, match="average .*'mean'"):
        choose_average([score], 'mean')


def test_accuracies_are_those_of_accmetric():
    scores, labels = torch.randn(60, 8), torch.randint(8, (60, ))
    evaluator = Evaluator(AccMetric())
    for score, label in zip(scores, labels):
        evaluator.process([
            ActionDataSample().set_gt_label(label).set_pred_score(score)
        ])
    expected = evaluator.evaluate(60)
    assert {
        f'acc/{name}': value
        for name, value in score_accuracy(scores, labels).items()
    } == pytest.approx(expected)
    # Top-5 of fewer classes than five is certain, not an error.
    assert score_accuracy(scores[:, :3], labels % 3)['top5'] == 1
