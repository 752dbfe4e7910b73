# SPDX-License-Identifier: Apache-2.0
"""Photometric loss on the pixels that both frames show."""
import pytest
import torch

from uftsn_mmaction.models.losses import PhotometricLoss, UnsupervisedLoss
from uftsn_mmaction.models.losses.occlusion import OCCLUSION_MASKS

METHODS = tuple(OCCLUSION_MASKS)
SETTINGS = dict(level_weights=(1., ), ssim_weight=1.)
NAMES = ('loss_difference', 'loss_census', 'loss_ssim')


@pytest.fixture
def square():
    """Clip of a square that moves 5 px right, and the flows."""
    background, texture = torch.rand(3, 24, 32), torch.rand(3, 8, 8)
    clip = torch.stack((background, background), 1)[None].clone()
    clip[0, :, 0, 8:16, 6:14] = texture
    clip[0, :, 1, 8:16, 11:19] = texture
    flow, back = torch.zeros(2, 1, 2, 1, 24, 32)
    flow[:, 0, :, 8:16, 6:14] = 5.
    back[:, 0, :, 8:16, 11:19] = -5.
    return clip, flow, back


def losses_of(square, **kwargs):
    """Losses of both directions, and the gradient of the forward flow."""
    clip, flow, back = square
    flow = flow.clone().requires_grad_()
    loss = UnsupervisedLoss([PhotometricLoss(**{**SETTINGS, **kwargs})])
    losses = loss([flow], [back], clip)
    assert losses.keys() == set(NAMES)
    sum(losses.values()).backward()
    return losses, flow.grad


@pytest.mark.parametrize('method', METHODS)
def test_true_flow_costs_nothing_but_neighbours(square, method):
    without, _ = losses_of(square)
    masked, gradient = losses_of(square, occlusion=method)
    assert without['loss_difference'] > 1
    assert masked['loss_difference'] < 1e-2
    for name in NAMES[1:]:
        # Patches with a visible centre may hold hidden neighbours.
        assert masked[name] < 0.7 * without[name]
    assert gradient.any() and torch.isfinite(gradient).all()


def test_hidden_pixels_pull_no_flow(square):
    settings = dict(census_weight=0., ssim_weight=0., difference_weight=1.)
    clip, flow, back = square
    gradients = []
    for occlusion in (None, 'range_map'):
        moved = (flow + 0.2).requires_grad_()
        loss = PhotometricLoss(
            **{**SETTINGS, **settings, 'occlusion': occlusion})
        UnsupervisedLoss([loss])([moved], [back], clip)[
            'loss_difference'].backward()
        gradients.append(moved.grad[0, :, 0, 9:15, 15:18])
    assert gradients[0].any() and not gradients[1].any()


def test_begins_at_its_step(square, count_steps):
    without, _ = losses_of(square)
    masked, _ = losses_of(square, occlusion='range_map')
    for step, expected in ((0, without), (99, without), (100, masked)):
        count_steps(step)
        found, _ = losses_of(square, occlusion='range_map',
                             occlusion_begin=100)
        assert found == expected


@pytest.mark.parametrize('method', METHODS)
def test_a_mask_below_the_floor_is_not_applied(square, method):
    clip, flow, _ = square
    # Nothing comes back to where it began.
    nonsense = clip, flow, torch.full_like(flow, 50.)
    without, _ = losses_of(nonsense)
    floored, _ = losses_of(nonsense, occlusion=method)
    assert without['loss_difference'] > 1
    assert floored == without
    empty, _ = losses_of(nonsense, occlusion=method, min_visible=0.)
    assert empty['loss_difference'] == 0


def test_needs_both_directions(square):
    clip, flow, _ = square
    with pytest.raises(ValueError, match='range_map'):
        PhotometricLoss(occlusion='range_map', **SETTINGS)(flow, clip)
