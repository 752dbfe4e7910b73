# SPDX-License-Identifier: Apache-2.0
"""The loss on the true flow of generated clips."""
import pytest
import torch
import torch.nn.functional as F

from uftsn_mmaction.models.losses import EndPointErrorLoss, UnsupervisedLoss

CLIP = torch.rand(2, 3, 3, 16, 24)


def true_flow():
    return 4 * torch.randn(2, 2, 2, 16, 24)


def levels_of(flow, levels=(0, 2)):
    """Mean of each block, in pixels of the level."""
    batch = flow.transpose(1, 2).flatten(0, 1)
    return [(F.avg_pool2d(batch, 2**level) / 2**level).unflatten(
        0, (2, 2)).transpose(1, 2) for level in levels]


@pytest.mark.parametrize('exponent, epsilon', [(0.5, 0.01), (1., 1e-6)])
def test_the_error_in_pixels_of_each_level(exponent, epsilon):
    true = true_flow()
    flows = [torch.randn_like(flow) for flow in levels_of(true)]
    loss = EndPointErrorLoss((0.3, 2.), exponent, epsilon)
    found = loss(flows, CLIP, gt_flow=true)['loss_end_point_error']
    expected = sum(
        weight * ((flow - level).square().sum(1).sqrt() +
                  epsilon).pow(exponent).mean()
        for weight, flow, level in zip((0.3, 2.), flows, levels_of(true)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_true_flow_is_the_minimum_and_has_no_gradient():
    true = true_flow()
    flows = [flow.requires_grad_() for flow in levels_of(true)]
    loss = EndPointErrorLoss((1., 1.))
    value = loss(flows, CLIP, gt_flow=true)['loss_end_point_error']
    assert value.item() == pytest.approx(2 * 0.1, rel=1e-3)
    value.backward()
    for flow in flows:
        assert flow.grad.abs().max() < 1e-3


def test_unknown_pixels_do_not_count():
    true = true_flow()
    flow = torch.randn_like(true).requires_grad_()
    loss = EndPointErrorLoss((1., ))
    true[..., 5:9] = float('nan')
    hidden = loss(flow, CLIP, gt_flow=true)['loss_end_point_error']
    hidden.backward()
    assert torch.isfinite(flow.grad).all()
    assert (flow.grad[..., 5:9] == 0).all() and (flow.grad[..., :5] != 0).any()
    kept = [slice(0, 5), slice(9, None)]
    parts = torch.cat([(flow - true)[..., part] for part in kept], -1)
    expected = (parts.square().sum(1).sqrt() + 0.01).sqrt().mean()
    torch.testing.assert_close(hidden, expected)


def test_each_direction_has_its_own_truth():
    true, back = true_flow(), true_flow()
    loss = UnsupervisedLoss([EndPointErrorLoss((1., ))])
    right = loss([true], [back], CLIP, {False: true, True: back})
    wrong = loss([true], [back], CLIP, {False: back, True: true})
    assert right['loss_end_point_error'] < 0.11
    assert wrong['loss_end_point_error'] > 1


def test_samples_without_truth_are_refused():
    with pytest.raises(ValueError, match='gt_flow'):
        EndPointErrorLoss((1., ))(true_flow(), CLIP)


@pytest.mark.parametrize('settings', [dict(exponent=0), dict(epsilon=-1.)])
def test_settings_it_refuses(settings):
    (name, _), = settings.items()
    with pytest.raises(ValueError, match=name):
        EndPointErrorLoss(**settings)
