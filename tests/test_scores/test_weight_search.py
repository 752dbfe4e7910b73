# SPDX-License-Identifier: Apache-2.0
"""The weights of a fusion, chosen on a grid."""
import pytest
import torch

from uftsn_mmaction.scores.weight_search import search_weights, weight_grid


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
    with pytest.raises(ValueError, match='7 models .* 6'):
        search_weights([torch.eye(2)] * 7, torch.arange(2))
