# SPDX-License-Identifier: Apache-2.0
"""Which frames a flow of which level is compared on."""
import pytest
import torch
import torch.nn.functional as F

from uftsn_mmaction.models.losses.level import (
    check_level_weights,
    iterate_levels,
)


@pytest.mark.parametrize('weights', [(), (0., 0.), (1., -0.1), (-1, )])
def test_level_weights_that_make_no_sense(weights):
    with pytest.raises(ValueError, match='level_weights') as caught:
        check_level_weights(weights)
    assert str(tuple(float(w) for w in weights)) in str(caught.value)


def test_level_weights_that_do():
    assert check_level_weights([1, 0, 0.5]) == (1., 0., 0.5)


def test_frames_of_each_level():
    clip = torch.rand(2, 3, 4, 16, 24)
    flows = [torch.randn(2, 2, 3, 16, 24), torch.randn(2, 2, 3, 4, 6)]
    levels = list(iterate_levels(flows, clip, (1., 0.5), 255., False))
    assert [weight for weight, *_ in levels] == [1., 0.5]
    for (_, flow, first, second), given, factor in zip(levels, flows, (1, 4)):
        for n in range(2):
            for t in range(3):
                # N x 2 x (T-1) -> (N * (T-1)) x 2
                torch.testing.assert_close(flow[3 * n + t], given[n, :, t])
                for frame, time in ((first, t), (second, t + 1)):
                    torch.testing.assert_close(
                        frame[3 * n + t],
                        F.avg_pool2d(255 * clip[n, :, time], factor))


def test_backward_swaps_the_frames():
    clip, flow = torch.rand(1, 3, 3, 8, 8), torch.randn(1, 2, 2, 8, 8)
    (_, flow1, first, second), = iterate_levels(flow, clip, (1., ), 1., False)
    (_, flow2, late, early), = iterate_levels(flow, clip, (1., ), 1., True)
    assert torch.equal(flow1, flow2)
    assert torch.equal(first, early) and torch.equal(second, late)
    assert torch.equal(late, clip[0, :, 1:].transpose(0, 1))


def test_odd_sizes_keep_the_mean():
    clip = torch.full((1, 3, 2, 37, 53), 0.25)
    flow = torch.zeros(1, 2, 1, 19, 27)
    (_, _, first, _), = iterate_levels(flow, clip, (1., ), 4., False)
    torch.testing.assert_close(first, torch.ones(1, 3, 19, 27))


def test_half_precision_becomes_float32():
    flow = torch.zeros(1, 2, 1, 8, 8)
    for dtype, expected in ((torch.bfloat16, torch.float32),
                            (torch.float64, torch.float64)):
        clip = torch.rand(1, 3, 2, 8, 8).to(dtype)
        (_, _, first, _), = iterate_levels(flow, clip, (1., ), 255., False)
        assert first.dtype == expected


def test_one_weight_for_each_level():
    flows = [torch.zeros(1, 2, 1, 8, 8)] * 2
    with pytest.raises(ValueError, match='3 entries.*2 levels.*out_indices'):
        list(
            iterate_levels(flows, torch.rand(1, 3, 2, 8, 8), (1., 1., 1.),
                           255., False))
