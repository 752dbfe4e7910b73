# SPDX-License-Identifier: Apache-2.0
"""Structural similarity against a plain reference."""
import numpy as np
import pytest
import torch

from uftsn_mmaction.models.losses import (
    PhotometricLoss,
    ssim_distance,
    ssim_loss,
)


def image(*size, channels=3):
    return 255 * torch.rand(1, channels, *size, dtype=torch.float64)


def similarity_by_hand(first, second):
    """SSIM of two patches with the moments of NumPy."""
    covariance = np.cov(first.ravel(), second.ravel(), bias=True)
    mean1, mean2 = first.mean(), second.mean()
    c1, c2 = (0.01 * 255)**2, (0.03 * 255)**2
    return ((2 * mean1 * mean2 + c1) * (2 * covariance[0, 1] + c2) /
            ((mean1**2 + mean2**2 + c1) *
             (covariance[0, 0] + covariance[1, 1] + c2)))


def test_equals_plain_loops():
    first, second = image(7, 8), image(7, 8)
    found = ssim_distance(first, second)
    assert found.shape == (1, 1, 7, 8)
    for y, x in np.ndindex(5, 6):
        patches = [each[0, :, y:y + 3, x:x + 3].numpy()
                   for each in (first, second)]
        expected = np.mean([
            np.clip((1 - similarity_by_hand(a, b)) / 2, 0, 1)
            for a, b in zip(*patches)])
        assert found[0, 0, y + 1, x + 1].item() == pytest.approx(expected)


def test_range():
    first = image(20, 20)
    inner = (..., slice(1, -1), slice(1, -1))
    assert ssim_distance(first, first).max() < 1e-12
    inverted = ssim_distance(first, 255 - first)[inner]
    assert 0.5 < inverted.mean() < inverted.max() <= 1
    # Brightness counts less than structure.
    assert ssim_distance(first, first + 20)[inner].mean() < 0.02


def test_precision_of_float32():
    """Variances are differences of large numbers."""
    first = (250 + image(16, 16) / 255).float()
    second = (250 + image(16, 16) / 255).float()
    torch.testing.assert_close(
        ssim_distance(first, second).double(),
        ssim_distance(first.double(), second.double()), rtol=0, atol=1e-3)


def test_mean_over_whole_visible_patches(make_level):
    first, second = image(9, 10), image(9, 10)
    valid = torch.ones(1, 1, 9, 10, dtype=torch.float64)
    valid[..., 6:, :] = 0
    visible = torch.ones_like(valid)
    visible[..., 5:] = 0
    distance = ssim_distance(first, second)
    level = make_level(first, second, valid)
    torch.testing.assert_close(ssim_loss(level), distance[..., 1:5,
                                                          1:-1].mean())
    torch.testing.assert_close(
        ssim_loss(level, visible), distance[..., 1:5, 1:5].mean())


def test_gradients(make_level):
    first, second = image(5, 6), image(5, 6)
    mask = torch.ones(1, 1, 5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda a, b: ssim_loss(make_level(a, b, mask)),
        (first.requires_grad_(), second.requires_grad_()))


def test_a_term_of_the_photometric_loss(make_level):
    clip, flow = torch.rand(1, 3, 2, 12, 14), torch.zeros(1, 2, 1, 12, 14)
    loss = PhotometricLoss(difference_weight=0, census_weight=0,
                           ssim_weight=0.7, level_weights=(1., ))
    losses = loss(flow, clip)
    assert losses.keys() == {'loss_ssim'}
    level = make_level(*(255 * clip).unbind(2), torch.ones(1, 1, 12, 14))
    torch.testing.assert_close(losses['loss_ssim'], 0.7 * ssim_loss(level))
