# SPDX-License-Identifier: Apache-2.0
"""The weighted mean, what it is of, and the choice of its weights."""
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from uftsn_mmaction.scores.score_file import ScoreFile
from uftsn_mmaction.scores.score_fusion import (
    accuracy_table,
    averaged_scores,
    choose_average,
    describe_average,
    score_accuracy,
    search_weights,
    weight_grid,
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


@pytest.mark.parametrize('weights, words', [
    ([1], '1 weights for 2'),
    ([1, 1, 1], '3 weights for 2'),
    ([1, -1], r'\[1, -1\], expected finite'),
    ([0, 0], 'above 0'),
    ([1, float('nan')], 'finite'),
    ([float('nan'), 1], 'finite'),
    ([1, float('inf')], 'finite'),
])
def test_weights_that_make_no_mean_are_named(weights, words):
    with pytest.raises(ValueError, match=words):
        weighted_mean([torch.ones(1, 2)] * 2, weights)


def test_the_files_tell_what_is_averaged(scores):
    score, prob = file('s.pkl', scores), file('p.pkl', scores.softmax(1))
    assert choose_average([score, score]) == 'score'
    assert choose_average([prob, prob]) == 'prob'
    with pytest.raises(ValueError) as caught:
        choose_average([score, prob])
    for words in ('s.pkl has class scores', 'p.pkl has probabilities',
                  '--average prob'):
        assert words in str(caught.value)


def test_scores_become_probabilities_but_not_the_other_way(scores):
    score, prob = file('s.pkl', scores), file('p.pkl', scores.softmax(1))
    assert choose_average([score, prob], 'prob') == 'prob'
    one, two = averaged_scores([score, prob], 'prob')
    # A second softmax would flatten the second one.
    torch.testing.assert_close(one, two)
    assert averaged_scores([score], 'score')[0] is score.scores
    with pytest.raises(ValueError, match="p.pkl .*average_clips='score'"):
        choose_average([score, prob], 'score')
    with pytest.raises(ValueError, match="got 'mean'"):
        choose_average([score], 'mean')


def test_what_was_averaged_is_said(scores):
    score, prob = file('s.pkl', scores), file('p.pkl', scores.softmax(1))
    assert describe_average([score], 'score') == 'averaged: class scores'
    assert describe_average([prob], 'prob') == 'averaged: probabilities'
    what, how = describe_average([score, prob], 'prob').split('\n')
    assert what.endswith('softmax of the scores in s.pkl)')
    # Else the result would be taken for that of a test of the fusion.
    assert 'softmax of the scores averaged over the samples' in how
    assert 'model.average=prob' in how


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


def test_table_has_a_row_for_each_file():
    lines = accuracy_table({
        'a.pkl': dict(top1=0.5, top5=1.),
        'fusion': dict(top1=0.66666, top5=1.)
    }).split('\n')
    assert [line.split() for line in lines] == [['top1', 'top5'],
                                                ['a.pkl', '0.5000', '1.0000'],
                                                ['fusion', '0.6667', '1.0000']]
    assert len({*map(len, lines)}) == 1


@pytest.mark.parametrize('number, size, step', [(2, 21, 0.05), (3, 66, 0.1),
                                                (6, 3003, 0.1)])
def test_the_grid_is_the_whole_simplex(number, size, step):
    grid = list(weight_grid(number))
    assert len(grid) == len({*grid}) == size
    assert all(sum(weights) == pytest.approx(1) for weights in grid)
    # Each weight is a whole number of steps, and each number occurs.
    counts = {w / step for weights in grid for w in weights}
    assert {round(count, 9)
            for count in counts} == {*range(round(1 / step) + 1)}


def test_the_best_weights_are_found():
    # Right where the second model weighs 0.3 to 0.4 only: the first video
    # needs w2 > 0.275, the second one w2 < 0.425.
    one = torch.tensor([[0., 0.275], [0.425, 0.]])
    two = torch.tensor([[0.725, 0.], [0., 0.575]])
    weights, top1 = search_weights([one, two], torch.tensor([0, 0]))
    assert top1 == 1
    # The one nearest to equal weights.
    assert weights == pytest.approx((0.6, 0.4))
    weights, top1 = search_weights([two, one], torch.tensor([0, 0]))
    assert weights == pytest.approx((0.4, 0.6)) and top1 == 1


def test_a_useless_model_gets_no_more_than_it_must():
    labels = torch.arange(8) % 4
    right = torch.eye(4)[labels]
    noise = 10 * torch.eye(4)[(labels + 1) % 4]
    weights, top1 = search_weights([right, noise], labels)
    # 0.95 * 1 > 0.05 * 10.
    assert weights == (0.95, 0.05) and top1 == 1
    weights, top1 = search_weights([noise, right, noise], labels)
    assert weights == (0., 1., 0.) and top1 == 1


@pytest.mark.parametrize('number', [2, 3, 4])
def test_ties_keep_the_plain_mean(number):
    scores = torch.eye(4)
    weights, top1 = search_weights([scores] * number, torch.arange(4))
    assert weights == pytest.approx((1 / number, ) * number) and top1 == 1


def test_mirrored_weights_favour_the_earlier_model():
    # One video needs w1 > 0.92, the other one w2 > 0.92: half are right at
    # either end and none in the middle.
    one = torch.tensor([[1., 0.92, 0.], [0., 0.92, 1.]])
    weights, top1 = search_weights([one, one.flip(0)], torch.tensor([0, 0]))
    assert weights == (0.95, 0.05) and top1 == 0.5


def test_too_many_models_are_not_searched():
    with pytest.raises(ValueError, match='of 7 score files .* up to 6'):
        search_weights([torch.eye(2)] * 7, torch.arange(2))
