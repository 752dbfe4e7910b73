# SPDX-License-Identifier: Apache-2.0
"""Soft census distance against eq. 7 in plain loops."""
import math

import pytest
import torch

from uftsn_mmaction.models.losses import (
    census_distance,
    census_loss,
    census_transform,
)
from uftsn_mmaction.models.losses.census import whole_patch_mask


def image(*size, batch=1):
    return 255 * torch.rand(batch, 3, *size, dtype=torch.float64)


def distance_of(first, second, patch_size=3):
    """Census distance of two images."""
    return census_distance(
        census_transform(first, patch_size),
        census_transform(second, patch_size))


def soft_bits(rgb, y, x, patch_size):
    """Soft census code of one pixel of ``rgb (3, H, W)``."""
    grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    margin = patch_size // 2
    bits = []
    for dy in range(-margin, margin + 1):
        for dx in range(-margin, margin + 1):
            if dy or dx:
                step = float(grey[y + dy, x + dx] - grey[y, x])
                bits.append(step / math.sqrt(0.81 + step**2))
    return bits


@pytest.mark.parametrize('patch_size', [3, 5, 7])
def test_equals_plain_loops(patch_size):
    first, second = image(9, 10), image(9, 10)
    codes = census_transform(first, patch_size)
    distance = distance_of(first, second, patch_size)
    assert codes.shape == (1, patch_size**2 - 1, 9, 10)
    assert distance.shape == (1, 1, 9, 10)
    margin = patch_size // 2
    for y in range(margin, 9 - margin):
        for x in range(margin, 10 - margin):
            bits1 = soft_bits(first[0], y, x, patch_size)
            bits2 = soft_bits(second[0], y, x, patch_size)
            # One channel a neighbour; their order is nobody's business.
            assert sorted(codes[0, :, y, x].tolist()) == pytest.approx(
                sorted(bits1))
            squared = [(a - b)**2 for a, b in zip(bits1, bits2)]
            assert distance[0, 0, y, x].item() == pytest.approx(
                sum(s / (0.1 + s) for s in squared))


@pytest.mark.parametrize('patch_size', [-3, 0, 1, 2, 4, 6])
def test_patch_sizes_without_a_centre_or_neighbours(patch_size):
    with pytest.raises(ValueError, match=f'patch_size.*{patch_size}'):
        census_transform(image(8, 8), patch_size)


@pytest.mark.parametrize('patch_size', [3, 5])
def test_equal_images_are_at_distance_zero(patch_size):
    first = image(8, 9, batch=2)
    assert not distance_of(first, first.clone(), patch_size).any()


def test_brightness_offset_does_not_count_inside():
    first, second = image(8, 9), image(8, 9)
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(
        distance_of(first + 40, second)[inner],
        distance_of(first, second)[inner])
    assert distance_of(first, first + 40)[inner].max() < 1e-12


def test_symmetric():
    first, second = image(8, 9), image(8, 9)
    torch.testing.assert_close(
        distance_of(first, second), distance_of(second, first))


def test_range():
    """The negative of a texture differs in nearly all of the 8 bits."""
    first = image(20, 20)
    distance = distance_of(first, 255 - first)[..., 1:-1, 1:-1]
    assert 7 < distance.mean() < distance.max() < 8
    near = distance_of(first, first + torch.randn_like(first))
    assert near[..., 1:-1, 1:-1].mean() < 1


class TestCensusLoss:

    @pytest.mark.parametrize('patch_size', [3, 5])
    def test_mean_over_whole_patches(self, make_level, patch_size):
        first, second = image(12, 11), image(12, 11)
        mask = torch.ones(1, 1, 12, 11, dtype=torch.float64)
        mask[..., 6:, :] = 0
        margin = patch_size // 2
        distance = distance_of(first, second, patch_size)
        torch.testing.assert_close(
            census_loss(make_level(first, second, mask), patch_size),
            distance[..., margin:6 - margin, margin:-margin].mean())

    def test_invalid_pixels_do_not_count(self, make_level):
        first, second = image(10, 10), image(10, 10)
        mask = torch.ones(1, 1, 10, 10, dtype=torch.float64)
        mask[..., 3:5, 6:] = 0
        before = census_loss(make_level(first, second, mask))
        changed = torch.where(mask.bool(), second, image(10, 10))
        assert (changed != second).any()
        torch.testing.assert_close(
            census_loss(make_level(first, changed, mask)), before)
        # A valid pixel beside it does count.
        changed[..., 7, 7] += 50
        assert not torch.isclose(
            census_loss(make_level(first, changed, mask)), before)

    @pytest.mark.parametrize('patch_size', [5, 7])
    def test_penalty_and_hidden_centres(self, make_level, patch_size):
        first, second = image(12, 14), image(12, 14)
        ones = torch.ones(1, 1, 12, 14, dtype=torch.float64)
        visible = ones.clone()
        visible[..., 8:] = 0
        margin = patch_size // 2
        distance = distance_of(first, second, patch_size)
        # Of a patch whose centre is visible, hidden neighbours count.
        kept = distance[..., margin:-margin, margin:8]
        torch.testing.assert_close(
            census_loss(make_level(first, second, ones), patch_size, 'robust',
                        visible), ((kept + 0.01)**0.4).mean())

    def test_a_level_smaller_than_a_patch_adds_nothing(self, make_level):
        first = image(6, 6).requires_grad_()
        ones = torch.ones(1, 1, 6, 6, dtype=torch.float64)
        loss = census_loss(make_level(first, image(6, 6), ones), 7)
        loss.backward()
        assert loss == 0 and not first.grad.any()
        assert census_loss(make_level(first, image(6, 6), ones), 5) > 0

    def test_no_whole_patch_costs_nothing(self, make_level):
        mask = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
        mask[..., ::2, :] = 1
        level = make_level(image(6, 6), image(6, 6), mask)
        assert not whole_patch_mask(mask, 3).any()
        assert census_loss(level) == 0

    def test_gradients(self, make_level):
        # Small contrasts, where the soft bits are not saturated.
        first = torch.randn(1, 3, 5, 4, dtype=torch.float64)
        second = torch.randn(1, 3, 5, 4, dtype=torch.float64)
        first.requires_grad_()
        second.requires_grad_()
        mask = torch.ones(1, 1, 5, 4, dtype=torch.float64)
        assert torch.autograd.gradcheck(
            lambda a, b: census_loss(make_level(a, b, mask)), (first, second))
        assert torch.autograd.gradcheck(distance_of, (first, second))
        assert torch.autograd.gradcheck(census_transform, (first, ))
