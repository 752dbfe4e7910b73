# SPDX-License-Identifier: Apache-2.0
"""Edge-aware smoothness against eq. 8 in plain loops."""
import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.models.losses import SmoothnessLoss, smoothness_loss

FLAT = torch.full((1, 3, 8, 10), 100.)


def linear_flow(height=8, width=10):
    y, x = torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing='ij')
    return torch.stack((0.5 * x - y, 2. * y + x))[None].float()


def smoothness_by_hand(flow, image, edge_weight=1.):
    """Eq. 8: the mean over the pairs of neighbours of each direction."""
    total = 0.
    height, width = flow.shape[1:]
    for dy, dx in ((0, 1), (1, 0)):
        terms = []
        for y, x in np.ndindex(height - dy, width - dx):
            change = sum(
                abs(flow[c, y + dy, x + dx] - flow[c, y, x]) for c in (0, 1))
            edge = sum(
                abs(image[c, y + dy, x + dx] - image[c, y, x])
                for c in (0, 1, 2))
            terms.append(change * math.exp(-edge_weight * edge))
        total += sum(terms) / len(terms)
    return total


@pytest.mark.parametrize('edge_weight', [0., 1., 0.1])
def test_equals_plain_loops(edge_weight):
    flow = torch.randn(2, 2, 5, 7, dtype=torch.float64)
    # A faint image, or every weight would be zero.
    image = 100 + torch.rand(2, 3, 5, 7, dtype=torch.float64)
    expected = np.mean([
        smoothness_by_hand(f, i, edge_weight)
        for f, i in zip(flow.numpy(), image.numpy())
    ])
    result = smoothness_loss(flow, image, edge_weight=edge_weight)
    assert result.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize('order', [1, 2])
def test_a_constant_flow_costs_nothing(order):
    flow = torch.tensor([3., -2.]).view(1, 2, 1, 1).expand(1, 2, 8, 10)
    assert smoothness_loss(flow, FLAT, order) == 0


def test_a_linear_flow_costs_at_order_1_only():
    flow = linear_flow()
    # In x: 0.5 + 1, in y: 1 + 2.
    assert smoothness_loss(flow, FLAT, 1).item() == pytest.approx(4.5)
    assert smoothness_loss(flow, FLAT, 2).item() == pytest.approx(0)


def test_order_2_sees_a_kink():
    flow = linear_flow()
    flow[..., 5:] += 1  # a step of 1 in u and in v, along x
    jump = smoothness_loss(flow, FLAT, 2).item()
    # Two second differences of 1 for each of u and v, in 8 columns.
    assert jump == pytest.approx(4 / 8)


@pytest.mark.parametrize('order', [1, 2])
@pytest.mark.parametrize('dim', [-1, -2])
def test_an_image_edge_at_the_flow_edge_lowers_the_penalty(order, dim):
    flow = torch.zeros(1, 2, 8, 10)
    flow.narrow(dim, 4, 4).fill_(2.)
    here, elsewhere, along = FLAT.clone(), FLAT.clone(), FLAT.clone()
    here.narrow(dim, 4, 4).add_(2.)
    elsewhere.narrow(dim, 2, 1).add_(2.)
    # An edge across the flow's edge is none in its direction.
    along.narrow(-3 - dim, 4, 4).add_(2.)
    cost, at_edge, off_edge, across = (
        smoothness_loss(flow, image, order).item()
        for image in (FLAT, here, elsewhere, along))
    assert 0 < at_edge < 0.1 * cost
    assert across == pytest.approx(cost)
    if order == 1:
        assert off_edge == pytest.approx(cost)


def test_edge_weight_zero_ignores_the_image():
    flow = torch.randn(1, 2, 8, 10)
    assert smoothness_loss(
        flow, 255 * torch.rand(1, 3, 8, 10), edge_weight=0.) == \
        smoothness_loss(flow, FLAT, edge_weight=0.)


@pytest.mark.parametrize('order', [1, 2])
@pytest.mark.parametrize('penalty', ['l1', 'charbonnier', 'robust'])
def test_gradients(order, penalty):
    flow = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda f, i: smoothness_loss(f, i, order, 1., penalty),
        (flow, image))


class TestSmoothnessLoss:

    def test_module_equals_function(self):
        loss = MODELS.build(
            dict(
                type='SmoothnessLoss',
                weight=7.,
                order=2,
                edge_weight=0.01,
                level_weights=(0.5, ),
                penalty='robust'))
        flow, clip = torch.randn(2, 2, 1, 8, 10), torch.rand(2, 3, 2, 8, 10)
        expected = 7 * 0.5 * smoothness_loss(flow[:, :, 0],
                                             255 * clip[:, :, 0], 2, 0.01,
                                             'robust')
        result, = loss((flow, ), clip).values()
        torch.testing.assert_close(result, expected)

    def test_the_image_is_where_the_flow_starts(self):
        loss = SmoothnessLoss(level_weights=(1., ))
        flow = torch.zeros(1, 2, 1, 8, 10)
        flow[..., 5:] = 2.
        clip = torch.full((1, 3, 2, 8, 10), 0.5)
        clip[:, :, 0, :, 5:] = 0.6  # the edge is in the first frame
        forward, = loss((flow, ), clip).values()
        backward, = loss((flow, ), clip, backward=True).values()
        assert forward < 1e-6 < 10 < backward

    def test_sum_over_levels(self):
        weights = (1., 0.5, 0.25)
        clip = torch.rand(1, 3, 3, 32, 48)
        flows = [
            torch.randn(1, 2, 2, *size)
            for size in ((32, 48), (16, 24), (8, 12))
        ]
        total = SmoothnessLoss(level_weights=weights)(flows, clip)
        single = [
            SmoothnessLoss(level_weights=(w, ))(f, clip)
            for w, f in zip(weights, flows)
        ]
        assert total.keys() == single[0].keys() == {'loss_smoothness'}
        torch.testing.assert_close(total['loss_smoothness'],
                                   sum(s['loss_smoothness'] for s in single))

    def test_order_2_on_one_level(self):
        """A kink costs where a weight says so, a slope nowhere."""
        clip = torch.full((1, 3, 2, 16, 20), 0.5)
        loss = SmoothnessLoss(
            weight=1., order=2, level_weights=(0., 0., 1.))
        flows = [linear_flow(16 // 2**n, 20 // 2**n)[:, :, None]
                 for n in range(3)]
        assert loss(flows, clip)['loss_smoothness'].abs() < 1e-5
        for level in (0, 2):
            bent = [flow.clone().requires_grad_() for flow in flows]
            with torch.no_grad():
                bent[level][..., 2:] += 1
            cost = loss(bent, clip)['loss_smoothness']
            assert (cost > 0.1) == (level == 2)
            cost.backward()
            assert bent[0].grad is None and bent[1].grad is None
            assert bool(bent[2].grad.any()) == (level == 2)

    def test_image_scale_decides_what_is_an_edge(self):
        flow = torch.randn(1, 2, 1, 8, 10)
        clip = torch.rand(1, 3, 2, 8, 10)
        dim, bright = (
            SmoothnessLoss(level_weights=(1., ), image_scale=scale)(
                (flow, ), clip)['loss_smoothness'] for scale in (1., 255.))
        assert bright < 0.1 * dim
        same = SmoothnessLoss(
            level_weights=(1., ), image_scale=1.)((flow, ), 255 * clip)
        torch.testing.assert_close(same['loss_smoothness'], bright)

    @pytest.mark.parametrize('setting, value', [
        ('order', 3),
        ('order', 0),
        ('penalty', 'l2'),
        ('weight', -1.),
        ('level_weights', ()),
    ])
    def test_settings_it_refuses(self, setting, value):
        with pytest.raises(ValueError, match=setting) as caught:
            SmoothnessLoss(**{setting: value})
        assert str(value) in str(caught.value)
