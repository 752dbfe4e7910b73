# SPDX-License-Identifier: Apache-2.0
"""Weighted sum of a loss over the levels."""
import pytest
import torch

from uftsn_mmaction.models.losses import FlowLoss
from uftsn_mmaction.models.losses.base import check_level_weights


class FlowLength(FlowLoss):
    """Mean length of the flow."""

    def compute(self, level):
        return dict(loss_length=level.flow.norm(dim=1).mean())


@pytest.mark.parametrize('weights', [(), (0., 0.), (1., -0.1), (-1, )])
def test_level_weights_that_make_no_sense(weights):
    with pytest.raises(ValueError, match='level_weights') as caught:
        check_level_weights(weights)
    assert str(tuple(float(w) for w in weights)) in str(caught.value)


def test_level_weights_that_do():
    assert check_level_weights([1, 0, 0.5]) == (1., 0., 0.5)
    assert check_level_weights(2) == (2., )


def test_weighted_sum_of_the_levels_that_count():
    clip = torch.rand(1, 3, 2, 8, 8)
    flows = [torch.randn(1, 2, 1, size, size) for size in (8, 4, 2)]
    flows[1].fill_(float('nan'))
    found, = FlowLength((0.5, 0., 2.), 1.)(flows, clip).values()
    lengths = [flow.norm(dim=1).mean() for flow in flows]
    torch.testing.assert_close(found, 0.5 * lengths[0] + 2 * lengths[2])


def test_a_tensor_is_the_flow_of_one_level():
    clip, flow = torch.rand(1, 3, 2, 8, 8), torch.randn(1, 2, 1, 8, 8)
    loss = FlowLength((1., ), 1.)
    assert loss(flow, clip) == loss((flow, ), clip)


def test_one_weight_for_each_level():
    flows = [torch.zeros(1, 2, 1, 8, 8)] * 2
    with pytest.raises(ValueError, match='level_weights.* 3 .* 2 '):
        FlowLength((1., 1., 1.), 1.)(flows, torch.rand(1, 3, 2, 8, 8))
