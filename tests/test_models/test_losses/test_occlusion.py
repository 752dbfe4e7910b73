# SPDX-License-Identifier: Apache-2.0
"""Masks of visible pixels against known truth and plain loops."""
import numpy as np
import pytest
import torch

from uftsn_mmaction.datasets.random_motion import RandomMotionDataset
from uftsn_mmaction.models.flow import backward_warp, valid_mask
from uftsn_mmaction.models.losses.occlusion import (
    OCCLUSION_MASKS,
    check_occlusion,
    forward_backward_mask,
    range_map,
    unless_too_few,
)

METHODS = tuple(OCCLUSION_MASKS)


def overlap(mask, other):
    """Intersection over union of the pixels where the masks are 0."""
    mask, other = mask < 0.5, other < 0.5
    return ((mask & other).sum() / (mask | other).sum()).item()


def moving_square():
    """A square of 8x8 moves 5 px right over a background at rest."""
    flow, back = torch.zeros(2, 1, 2, 24, 32)
    flow[:, 0, 8:16, 6:14] = 5.
    back[:, 0, 8:16, 11:19] = -5.
    visible = torch.ones(1, 1, 24, 32)
    visible[..., 8:16, 14:19] = 0  # background that the square covers
    return flow, back, visible


@pytest.mark.parametrize('method', METHODS)
def test_what_a_moving_square_covers(method):
    flow, back, visible = moving_square()
    assert torch.equal(OCCLUSION_MASKS[method](flow, back), visible)
    uncovered = torch.ones(1, 1, 24, 32)
    uncovered[..., 8:16, 6:11] = 0
    assert torch.equal(OCCLUSION_MASKS[method](back, flow), uncovered)


@pytest.mark.parametrize('method, least', [('forward_backward', 0.88),
                                           ('range_map', 0.92)])
def test_true_flow_tells_what_is_visible(method, least):
    pairs = RandomMotionDataset(length=6, split='val', size=(64, 96))
    found, true = [], []
    for pair in pairs:
        for suffix, other in (('', '_back'), ('_back', '')):
            # 1 x 2 x 1 x H x W -> 1 x 2 x H x W
            flow, reverse = (pair[f'gt_flow{end}'][:, :, 0]
                             for end in (suffix, other))
            found.append(OCCLUSION_MASKS[method](flow, reverse) *
                         valid_mask(flow))
            true.append(pair[f'gt_visible{suffix}'][:, :, 0])
    assert overlap(torch.cat(found), torch.cat(true)) > least


def test_range_map_equals_plain_loops():
    reverse = 3 * torch.randn(2, 2, 6, 7, dtype=torch.float64)
    reverse[0, :, 0, 0] = torch.tensor([1e12, -1e12])  # far outside
    expected = np.zeros((2, 1, 6, 7))
    for n, i, j, y, x in np.ndindex(2, 6, 7, 6, 7):
        u, v = reverse[n, :, i, j].tolist()
        expected[n, 0, y, x] += (max(0, 1 - abs(x - j - u)) *
                                 max(0, 1 - abs(y - i - v)))
    np.testing.assert_allclose(range_map(reverse), expected, atol=1e-12)


def test_forward_backward_equals_plain_numbers():
    flow, reverse = 2 * torch.randn(2, 1, 2, 9, 11)
    returned = backward_warp(reverse, flow)
    found = forward_backward_mask(flow, reverse, 0.1, 1.)
    for y, x in np.ndindex(9, 11):
        f, b = (each[0, :, y, x].numpy() for each in (flow, returned))
        visible = ((f + b)**2).sum() < 0.1 * (f @ f + b @ b) + 1.
        assert found[0, 0, y, x] == visible
    assert 0 < found.mean() < 1


def test_tolerance_grows_with_the_flow():
    flow = torch.tensor([20., 0.]).view(1, 2, 1, 1).repeat(1, 1, 4, 64)
    middle = (..., slice(0, 40))
    for gap, visible in ((2., 1.), (4., 0.)):
        mask = forward_backward_mask(flow, -flow + gap * flow / 20)
        assert (mask[middle] == visible).all()
        slow = forward_backward_mask(flow / 20, (gap - 1) * flow / 20)
        assert (slow[middle] == 0).all()


def test_range_map_of_growth():
    """An image that grows by s spreads its pixels s**2 times as thin."""
    x = torch.arange(40.).expand(40, 40)
    outward = 0.25 * torch.stack((x - 20, x.T - 20))[None]
    inner = (..., slice(14, 26), slice(14, 26))
    assert range_map(outward)[inner].mean().item() == pytest.approx(
        1 / 1.25**2, rel=0.05)


@pytest.mark.parametrize('method', METHODS)
def test_no_gradient(method):
    flow, reverse = torch.randn(2, 1, 2, 8, 8, requires_grad=True)
    mask = OCCLUSION_MASKS[method](flow, reverse)
    assert not mask.requires_grad
    assert mask.shape == (1, 1, 8, 8) and mask.dtype == torch.float32
    assert set(mask.unique().tolist()) == {0., 1.}
    half = OCCLUSION_MASKS[method](flow.bfloat16(), reverse.bfloat16())
    assert half.dtype == torch.float32


def test_floor_of_each_pair():
    visible = torch.zeros(3, 1, 4, 5)
    visible[1, ..., :1, :] = 1  # 5 of 20
    visible[2, ..., :3, :] = 1
    everywhere = torch.ones_like(visible)
    kept = unless_too_few(visible, everywhere, 0.5)
    assert torch.equal(kept[:2], everywhere[:2])
    assert torch.equal(kept[2], visible[2])
    # Of the valid pixels alone.
    valid = torch.zeros_like(visible)
    valid[..., :1, :] = 1
    assert torch.equal(
        unless_too_few(visible, valid, 0.5)[1:], visible[1:])
    assert torch.equal(unless_too_few(visible, everywhere, 0.), visible)


def test_names():
    for name in (*METHODS, None):
        check_occlusion(name)
    with pytest.raises(ValueError, match='occlusion.*brox'):
        check_occlusion('brox')
