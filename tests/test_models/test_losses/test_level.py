# SPDX-License-Identifier: Apache-2.0
"""Frames and flow of each level and direction."""
import pytest
import torch
import torch.nn.functional as F

from uftsn_mmaction.models.flow import backward_warp, valid_mask
from uftsn_mmaction.models.losses import census_transform, level
from uftsn_mmaction.models.losses.level import Level, resize_frames
from uftsn_mmaction.models.losses.occlusion import OCCLUSION_MASKS


def levels_of(flows, clip, image_scale=255., **kwargs):
    frames = resize_frames(clip, [flow.shape[-2:] for flow in flows],
                           image_scale)
    return [Level(flow, images, **kwargs)
            for flow, images in zip(flows, frames)]


@pytest.fixture
def calls(monkeypatch):
    """Inputs of each warp, mask and census, by the name of the function."""
    seen = {}

    def count(name):
        function = getattr(level, name)

        def counted(*args):
            seen.setdefault(name, []).append(args[0])
            return function(*args)

        monkeypatch.setattr(level, name, counted)

    for name in ('backward_warp', 'valid_mask', 'census_transform'):
        count(name)
    for name, function in OCCLUSION_MASKS.items():
        monkeypatch.setitem(
            OCCLUSION_MASKS, name, lambda *flows, name=name, mask=function:
            (seen.setdefault(name, []).append(flows), mask(*flows))[1])
    return seen


def test_frames_of_each_level():
    clip = torch.rand(2, 3, 4, 16, 24)
    flows = [torch.randn(2, 2, 3, 16, 24), torch.randn(2, 2, 3, 4, 6)]
    for found, given, factor in zip(levels_of(flows, clip), flows, (1, 4)):
        for n in range(2):
            for t in range(3):
                # N x 2 x (T-1) -> (N * (T-1)) x 2
                torch.testing.assert_close(found.flow[3 * n + t],
                                           given[n, :, t])
                for frame, time in ((found.first, t), (found.second, t + 1)):
                    torch.testing.assert_close(
                        frame[3 * n + t],
                        F.avg_pool2d(255 * clip[n, :, time], factor))


def test_backward_swaps_the_frames_and_the_flows():
    clip = torch.rand(1, 3, 3, 8, 8)
    flow, back = torch.randn(2, 1, 2, 2, 8, 8)
    there, = levels_of([flow], clip, reverse_flow=back)
    again, = levels_of([back], clip, backward=True, reverse_flow=flow)
    assert torch.equal(there.first, again.second)
    assert torch.equal(there.second, again.first)
    assert torch.equal(there.flow, again.reverse_flow)
    assert torch.equal(there.reverse_flow, again.flow)
    assert not torch.equal(there.first, there.second)
    alone, = levels_of([flow], clip)
    assert alone.reverse_flow is None


def test_what_is_derived_from_the_flow():
    clip, flow = torch.rand(2, 3, 3, 8, 9), 2 * torch.randn(2, 2, 2, 8, 9)
    found, = levels_of([flow], clip)
    assert torch.equal(found.warped, backward_warp(found.second, found.flow))
    assert torch.equal(found.valid_mask, valid_mask(found.flow))
    assert 0 < found.valid_mask.mean() < 1
    first, warped = found.census(5)
    assert torch.equal(first, census_transform(found.first, 5))
    assert torch.equal(warped, census_transform(found.warped, 5))


def test_each_thing_is_computed_at_first_use_and_once(calls):
    clip, flow = torch.rand(1, 3, 3, 8, 8), torch.randn(1, 2, 2, 8, 8)
    found, = levels_of([flow], clip)
    assert not calls
    for _ in range(2):
        found.warped, found.valid_mask, found.census(3), found.census(5)
    count = {name: len(inputs) for name, inputs in calls.items()}
    # Two patch sizes, each of the frames and of the warped frames.
    assert count == dict(backward_warp=1, valid_mask=1, census_transform=4)


@pytest.mark.parametrize('method', OCCLUSION_MASKS)
def test_visible_masks_are_computed_once(calls, method):
    clip = torch.rand(2, 3, 4, 8, 8)
    flow, back = torch.randn(2, 2, 2, 3, 8, 8)
    found, = levels_of([flow], clip, reverse_flow=back)
    masks = [found.visible_mask(method) for _ in range(2)]
    (given, ) = calls[method]
    assert masks[0] is masks[1]
    assert masks[0].shape == (6, 1, 8, 8)
    assert torch.equal(given[0], found.flow)
    assert torch.equal(given[1], found.reverse_flow)
    alone, = levels_of([flow], clip)
    with pytest.raises(ValueError, match=f'occlusion.*{method}'):
        alone.visible_mask(method)


def test_both_directions_share_the_census_of_the_frames(calls):
    clip, flow = torch.rand(2, 3, 4, 8, 8), torch.randn(2, 2, 3, 8, 8)
    frames, = resize_frames(clip, [(8, 8)], 1.)
    for backward in (False, True):
        Level(flow, frames, backward).census(3)
    # All frames at once, then the warped ones of each direction.
    assert [len(images) for images in calls['census_transform']] == [8, 6, 6]


def test_odd_sizes_keep_the_mean():
    clip = torch.full((1, 3, 2, 37, 53), 0.25)
    found, = levels_of([torch.zeros(1, 2, 1, 19, 27)], clip, 4.)
    torch.testing.assert_close(found.first, torch.ones(1, 3, 19, 27))


def test_half_precision_becomes_float32():
    flow = torch.zeros(1, 2, 1, 8, 8)
    for dtype, expected in ((torch.bfloat16, torch.float32),
                            (torch.float64, torch.float64)):
        clip = torch.rand(1, 3, 2, 8, 8).to(dtype)
        found, = levels_of([flow], clip)
        assert found.first.dtype == expected
