# SPDX-License-Identifier: Apache-2.0
"""Backward warping, masks and resizing against plain arithmetic."""
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from uftsn_mmaction.models.flow.warp import (
    backward_warp,
    resize_flow,
    valid_mask,
)

SIZES = [(37, 53), (32, 32), (1, 7), (224, 225)]


def constant_flow(u, v, height, width, batch=1, **kwargs):
    flow = torch.tensor([u, v], **kwargs).view(1, 2, 1, 1)
    return flow.expand(batch, 2, height, width).contiguous()


def warp_by_hand(feature, flow):
    """Bilinear sampling pixel by pixel; zero outside of the frame."""
    batch, channels, height, width = feature.shape
    out = np.zeros_like(feature)
    for n, y, x in np.ndindex(batch, height, width):
        px, py = x + flow[n, 0, y, x], y + flow[n, 1, y, x]
        left, top = math.floor(px), math.floor(py)
        for qy, wy in ((top, top + 1 - py), (top + 1, py - top)):
            for qx, wx in ((left, left + 1 - px), (left + 1, px - left)):
                if 0 <= qy < height and 0 <= qx < width:
                    out[n, :, y, x] += wy * wx * feature[n, :, qy, qx]
    return out


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_zero_flow_is_the_identity(size, dtype):
    image = 255 * torch.rand(2, 3, *size, dtype=dtype)
    warped = backward_warp(image, image.new_zeros(2, 2, *size))
    assert warped.dtype == dtype
    # One rounding of a coordinate, which counts relative to the size, times
    # the largest difference of two neighbours.
    bound = torch.finfo(dtype).eps * max(size) * 255
    torch.testing.assert_close(warped, image, rtol=0, atol=bound)


@pytest.mark.parametrize('u, v', [(3, 0), (0, 2), (-4, 1), (5, -6)])
def test_integer_shift_comes_back_exactly_inside(u, v):
    image = 255 * torch.rand(1, 3, 37, 53, dtype=torch.float64)
    flow = constant_flow(u, v, 37, 53, dtype=torch.float64)
    warped = backward_warp(image, flow)
    # warped(x) = image(x + u): content to the right of x for positive u.
    expected = torch.roll(image, (-v, -u), (2, 3))
    inside = valid_mask(flow).bool().expand_as(image)
    assert inside.sum() == 3 * (37 - abs(v)) * (53 - abs(u))
    torch.testing.assert_close(
        warped[inside], expected[inside], rtol=0, atol=1e-10)
    assert warped[~inside].abs().max() < 1e-10  # zeros outside


def test_equals_bilinear_sampling_by_hand():
    feature = torch.randn(2, 3, 7, 10, dtype=torch.float64)
    # Wide enough to leave the frame on each side.
    flow = 4 * torch.randn(2, 2, 7, 10, dtype=torch.float64)
    inside = valid_mask(flow).mean()
    assert 0.2 < inside < 0.8
    expected = warp_by_hand(feature.numpy(), flow.numpy())
    np.testing.assert_allclose(
        backward_warp(feature, flow).numpy(), expected, rtol=0, atol=1e-12)


def test_far_outside_is_zero():
    feature = torch.ones(1, 2, 5, 6)
    for u, v in ((7., 0.), (-7., 0.), (0., 6.), (0., -6.), (1e6, -1e6)):
        assert not backward_warp(feature, constant_flow(u, v, 5, 6)).any()


def test_gradients():
    feature = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    # Off the integers, where bilinear interpolation has kinks.
    flow = torch.randint(-2, 3, (2, 2, 4, 5)) + 0.2 + 0.6 * torch.rand(
        2, 2, 4, 5, dtype=torch.float64)
    flow.requires_grad_()
    assert torch.autograd.gradcheck(backward_warp, (feature, flow))


@pytest.mark.parametrize('shape', [(1, 2, 5, 6), (1, 2, 4, 7), (2, 2, 4, 6)])
def test_sizes_that_differ_are_refused(shape):
    with pytest.raises(ValueError, match='resize_flow') as caught:
        backward_warp(torch.zeros(1, 3, 4, 6), torch.zeros(shape))
    assert '(1, 3, 4, 6)' in str(caught.value)
    assert str(shape) in str(caught.value)


def test_autocast_leaves_the_coordinates_alone():
    # bfloat16 holds integers up to 256 only in steps of 1 or 2.
    feature = torch.rand(1, 3, 8, 300)
    flow = constant_flow(0.3, -0.2, 8, 300)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        warped = backward_warp(feature, flow)
        rounded = backward_warp(feature.bfloat16(), flow)
    assert warped.dtype == rounded.dtype == torch.float32
    torch.testing.assert_close(
        warped, backward_warp(feature, flow), rtol=0, atol=0)
    torch.testing.assert_close(
        rounded,
        backward_warp(feature.bfloat16().float(), flow),
        rtol=0,
        atol=0)


def test_half_precision_flow_is_added_in_float32():
    """300 + 0.3 has no bfloat16."""
    feature = torch.rand(1, 3, 8, 320)
    flow = constant_flow(0.3, -0.2, 8, 320).bfloat16()
    warped = backward_warp(feature, flow)
    assert warped.dtype == torch.float32
    torch.testing.assert_close(
        warped, backward_warp(feature, flow.float()), rtol=0, atol=0)


def test_valid_mask_is_one_up_to_the_last_pixel():
    height, width = 4, 6
    cases = {
        (0., 0.): 24,
        (1., 0.): 20,  # the last column leaves
        (-0.25, 0.): 20,  # a quarter pixel beyond the first column
        (0.25, 0.): 20,
        (0., -3.): 6,  # only the last row can go 3 up
        (0., 3.): 6,
        (5., 3.): 1,
        (6., 0.): 0,
    }
    for (u, v), count in cases.items():
        mask = valid_mask(constant_flow(u, v, height, width))
        assert mask.shape == (1, 1, height, width)
        assert mask.sum() == count, (u, v)
    mask = valid_mask(constant_flow(1., -1., height, width))
    assert not mask[..., -1].any() and not mask[..., 0, :].any()
    assert mask[..., 1:, :-1].all()


def test_valid_mask_has_no_gradient():
    flow = torch.zeros(1, 2, 4, 6, requires_grad=True)
    assert not valid_mask(flow).requires_grad


def test_resize_flow_scales_u_by_width_and_v_by_height():
    flow = constant_flow(2., -3., 10, 12)
    resized = resize_flow(flow, (25, 48))
    assert resized.shape == (1, 2, 25, 48)
    torch.testing.assert_close(resized, constant_flow(8., -7.5, 25, 48))


@pytest.mark.parametrize('size', [(37, 53), (64, 20)])
def test_resize_flow_up_and_down_again(size):
    flow = constant_flow(1.5, -2.5, 19, 27)
    again = resize_flow(resize_flow(flow, size), (19, 27))
    torch.testing.assert_close(again, flow)


def test_resize_flow_keeps_the_motion():
    """A rotation seen at half size is the same rotation."""

    def rotation(height, width):
        y, x = torch.meshgrid(
            torch.arange(height), torch.arange(width), indexing='ij')
        y, x = y - (height - 1) / 2, x - (width - 1) / 2
        return 0.1 * torch.stack((-y, x))[None]

    small = resize_flow(rotation(40, 60), (20, 30))
    torch.testing.assert_close(small, rotation(20, 30))
    large = resize_flow(rotation(20, 30), (40, 60))
    inner = (..., slice(1, -1), slice(1, -1))  # the border is repeated
    torch.testing.assert_close(large[inner], rotation(40, 60)[inner])


def test_resize_flow_to_its_own_size_changes_nothing():
    flow = torch.randn(2, 2, 7, 9)
    assert torch.equal(resize_flow(flow, (7, 9)), flow)


def test_resize_flow_gradients():
    flow = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: resize_flow(f, (5, 9)), flow)


@given(
    sizes=st.tuples(*[st.integers(1, high) for high in (2, 3, 9, 9)]),
    reach=st.sampled_from([0.4, 3., 30.]),
    dtype=st.sampled_from([torch.float16, torch.float32, torch.float64]),
    seed=st.integers(0, 99))
def test_any_warp_is_that_by_hand(sizes, reach, dtype, seed):
    """Also far outside the frame, and of a single row or pixel."""
    generator = torch.Generator().manual_seed(seed)
    feature = torch.rand(sizes, generator=generator).to(dtype)
    flow = torch.randn(sizes[0], 2, *sizes[2:], generator=generator)
    flow = (reach * flow).to(torch.promote_types(dtype, torch.float32))
    warped = backward_warp(feature, flow)
    assert warped.dtype == flow.dtype
    expected = warp_by_hand(feature.double().numpy(), flow.numpy())
    np.testing.assert_allclose(warped.numpy(), expected, atol=2e-4)
    # Mirrored frames have mirrored flow.
    mirrored = backward_warp(
        feature.flip(-1), flow.flip(-1) * flow.new_tensor([[[-1.]], [[1.]]]))
    torch.testing.assert_close(mirrored.flip(-1), warped, atol=2e-4, rtol=0)
