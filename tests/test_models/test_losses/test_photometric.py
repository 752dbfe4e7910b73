# SPDX-License-Identifier: Apache-2.0
"""Photometric loss: the true flow costs least."""
import pytest
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.models.flow import backward_warp
from uftsn_mmaction.models.losses import (
    PhotometricLoss,
    UnsupervisedLoss,
    census_loss,
    difference_loss,
)

ONE = dict(level_weights=(1., ))


def shifted_clip(u, v, height=32, width=64, frames=2):
    """A random texture that moves by (u, v) from frame to frame."""
    pad = 40
    texture = torch.rand(1, 3, height + 2 * pad, width + 2 * pad)
    return torch.stack([
        texture[..., pad - v * t:pad - v * t + height,
                pad - u * t:pad - u * t + width] for t in range(frames)
    ], 2)


def flow_of(u, v, height=32, width=64, pairs=1):
    flow = torch.tensor([float(u), float(v)]).view(1, 2, 1, 1, 1)
    return flow.expand(1, 2, pairs, height, width).contiguous()


def values(losses):
    return losses['loss_difference'].item(), losses['loss_census'].item()


class TestDifferenceLoss:

    def test_mean_of_the_l1_norm_over_valid_pixels(self, make_level):
        first = torch.zeros(1, 3, 2, 3)
        second = torch.tensor([1., -2., 4.]).view(1, 3, 1, 1).repeat(
            1, 1, 2, 3)
        mask = torch.ones(1, 1, 2, 3)
        assert difference_loss(make_level(first, second, mask)) == 7
        second[..., 0] = 1000.
        mask[..., 0] = 0
        assert difference_loss(make_level(first, second, mask)) == 7

    @pytest.mark.parametrize('penalty', ['l1', 'charbonnier', 'robust'])
    def test_gradients(self, make_level, penalty):
        first = torch.rand(2, 3, 3, 4, dtype=torch.float64)
        second = torch.rand(2, 3, 3, 4, dtype=torch.float64) + 1
        mask = (torch.rand(2, 1, 3, 4) < 0.7).double()
        assert torch.autograd.gradcheck(
            lambda a, b: difference_loss(make_level(a, b, mask), penalty),
            (first.requires_grad_(), second.requires_grad_()))


@pytest.mark.parametrize('height, width', [(32, 64), (37, 53)])
def test_equal_frames_and_zero_flow_cost_nothing(height, width):
    frame = torch.rand(1, 3, 1, height, width)
    flows = [
        torch.zeros(1, 2, 1, -(-height // 2**n), -(-width // 2**n))
        for n in range(5)
    ]
    losses = PhotometricLoss()(flows, frame.expand(-1, -1, 2, -1, -1))
    assert losses.keys() == {'loss_difference', 'loss_census'}
    # All but the rounding of the warp, on a scale of 255.
    assert max(values(losses)) < 1e-2


@pytest.mark.parametrize('u, v', [(3, 0), (-2, 4), (0, -5)])
def test_the_true_flow_is_the_best(u, v):
    clip = shifted_clip(u, v, frames=3)
    loss = PhotometricLoss(**ONE)
    true = values(loss((flow_of(u, v, pairs=2), ), clip))
    assert max(true) < 1e-2
    for wrong in ((0, 0), (-u, -v), (v, u), (u + 1, v), (u, v - 1)):
        assert min(values(loss((flow_of(*wrong, pairs=2), ), clip))) > 1


def test_on_every_level():
    """16 pixels are a whole number of pixels from level 0 to 4."""
    clip = shifted_clip(16, -32, 96, 128)
    flows = [
        flow_of(16 / 2**n, -32 / 2**n, 96 // 2**n, 128 // 2**n)
        for n in range(5)
    ]
    assert max(values(PhotometricLoss()(flows, clip))) < 1e-2
    for n in range(5):
        wrong = list(flows)
        wrong[n] = 0 * flows[n]
        assert min(values(PhotometricLoss()(wrong, clip))) > 0.5, n


def test_backward_compares_the_other_way_round():
    clip = shifted_clip(3, -2, frames=3)
    loss = PhotometricLoss(**ONE)
    flow = flow_of(-3, 2, pairs=2)
    assert max(values(loss((flow, ), clip, backward=True))) < 1e-2
    assert min(values(loss((flow, ), clip))) > 1
    # And in general it is the forward loss of the reversed clip.
    clip, flow = torch.rand(2, 3, 4, 16, 20), torch.randn(2, 2, 3, 16, 20)
    reverse = loss((flow.flip(2), ), clip.flip(2))
    for key, value in loss((flow, ), clip, backward=True).items():
        torch.testing.assert_close(value, reverse[key])


def test_pixels_that_leave_the_frame_do_not_count():
    u, v = 6, -3
    clip = shifted_clip(u, v)
    clip[:, :, 1] += 0.05 * torch.rand_like(clip[:, :, 1])
    loss = PhotometricLoss(**ONE)
    flow = flow_of(u, v)
    before = loss((flow, ), clip)
    changed = clip.clone()
    # Of the first frame the right columns and the upper rows leave; of the
    # second the left columns and the lower rows have no partner.
    changed[:, :, 0, :, -u:] = torch.rand(1, 3, 32, u)
    changed[:, :, 0, :-v] = torch.rand(1, 3, -v, 64)
    changed[:, :, 1, :, :u] = torch.rand(1, 3, 32, u)
    changed[:, :, 1, v:] = torch.rand(1, 3, -v, 64)
    for key, value in loss((flow, ), changed).items():
        torch.testing.assert_close(value, before[key], rtol=1e-4, atol=1e-4)
    # The mean is over those that stay: not smaller for leaving the frame.
    assert before['loss_difference'] > 0
    inner = clip.clone()
    inner[:, :, 0, 10, 10] = 1 - inner[:, :, 0, 10, 10]
    assert values(loss((flow, ), inner))[0] > values(before)[0]


def test_nothing_to_gain_from_pointing_out_of_the_frame():
    """Half of the pixels leaving must not halve the loss."""
    clip = torch.rand(1, 3, 2, 32, 64)
    loss = PhotometricLoss(**ONE)
    near, far = (values(loss((flow_of(u, 0), ), clip)) for u in (1, 32))
    assert far == pytest.approx(near, rel=0.1)


def test_sum_of_single_levels():
    weights = (1., 0., 0.5)
    clip = torch.rand(2, 3, 3, 32, 48)
    flows = [
        torch.randn(2, 2, 2, *size) for size in ((32, 48), (16, 24), (8, 12))
    ]
    flows[1].fill_(float('nan'))  # a level of weight 0 is not looked at
    total = PhotometricLoss(level_weights=weights)(flows, clip)
    single = [
        PhotometricLoss(level_weights=(w, ))((f, ), clip)
        for w, f in zip(weights, flows) if w
    ]
    assert total.keys() == {'loss_difference', 'loss_census'}
    for key in total:
        torch.testing.assert_close(total[key], sum(s[key] for s in single))


def test_weights_patch_size_and_penalty_take_effect(make_level):
    settings = dict(
        type='PhotometricLoss',
        difference_weight=0.3,
        census_weight=2.,
        patch_size=5,
        penalty='robust',
        **ONE)
    clip = torch.rand(1, 3, 2, 16, 20)
    flow = torch.randn(1, 2, 1, 16, 20)
    losses = MODELS.build(settings)((flow, ), clip)
    first, second = (255 * clip).unbind(2)
    warped = backward_warp(second, flow[:, :, 0])
    y, x = torch.meshgrid(torch.arange(16), torch.arange(20), indexing='ij')
    px, py = x + flow[0, 0, 0], y + flow[0, 1, 0]
    mask = ((px >= 0) & (px <= 19) & (py >= 0) & (py <= 15)).float()
    level = make_level(first, warped, mask[None, None])
    torch.testing.assert_close(losses['loss_difference'],
                               0.3 * difference_loss(level, 'robust'))
    torch.testing.assert_close(losses['loss_census'],
                               2 * census_loss(level, 5))
    no_census = MODELS.build(dict(settings, census_weight=0))
    assert no_census((flow, ), clip).keys() == {'loss_difference'}
    no_difference = MODELS.build(dict(settings, difference_weight=0))
    assert no_difference((flow, ), clip).keys() == {'loss_census'}


def test_image_scale_changes_the_ratio_of_the_terms():
    # Faint differences, for which the soft bits are not saturated.
    clip = 0.5 + 0.02 * torch.rand(1, 3, 2, 16, 20)
    flow = torch.zeros(1, 2, 1, 16, 20)
    small, large = (
        values(PhotometricLoss(image_scale=scale, **ONE)((flow, ), clip))
        for scale in (1., 255.))
    assert large[0] / small[0] == pytest.approx(255, rel=1e-3)
    # Differences of 0.02 hardly reach a bit, differences of 5 mostly do.
    assert large[1] / small[1] > 2 * 255
    same = PhotometricLoss(image_scale=1., **ONE)((flow, ), 255 * clip)
    assert values(same) == pytest.approx(large, rel=1e-4)


def test_default_takes_clips_in_0_to_1():
    assert PhotometricLoss().image_scale == 255


def test_autocast_leaves_the_loss_in_float32():
    clip, flow = torch.rand(1, 3, 2, 16, 20), torch.randn(1, 2, 1, 16, 20)
    loss = PhotometricLoss(**ONE)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        fast = loss((flow, ), clip)
    for key, value in loss((flow, ), clip).items():
        assert fast[key].dtype == torch.float32
        torch.testing.assert_close(fast[key], value)


def test_gradient_points_to_the_true_flow():
    """On a smooth texture, a step down the gradient shortens the error."""
    y, x = torch.meshgrid(torch.arange(32), torch.arange(64), indexing='ij')
    frames = [
        torch.stack((torch.sin(0.2 * (x - 2 * t)), torch.cos(
            0.15 * (y + t)), torch.sin(0.1 * (x - 2 * t + y + t))))
        for t in (0, 1)
    ]
    clip = (torch.stack(frames, 1)[None] + 1) / 2
    flow = flow_of(1.25, -0.5).requires_grad_()
    sum(PhotometricLoss(**ONE)((flow, ), clip).values()).backward()
    u, v = flow.grad[0, :, 0].mean((1, 2))
    assert u < 0 < v  # the truth is u = 2, v = -1


@pytest.mark.parametrize('setting, value', [
    ('penalty', 'l2'),
    ('level_weights', (1., -1.)),
    ('patch_size', 4),
    ('difference_weight', -1.),
    ('census_weight', -1.),
    ('ssim_weight', -1.),
    ('census_penalty', 'l2'),
    ('occlusion', 'brox'),
    ('occlusion_begin', -1),
    ('min_visible', 1.5),
])
def test_settings_it_refuses(setting, value):
    with pytest.raises(ValueError, match=setting) as caught:
        PhotometricLoss(**{setting: value})
    assert str(value) in str(caught.value)


def test_one_of_the_terms_is_needed():
    with pytest.raises(ValueError, match='difference_weight.*census_weight'):
        PhotometricLoss(difference_weight=0, census_weight=0)


@pytest.mark.parametrize('occlusion', [None, 'forward_backward'])
def test_repeated_frames_do_not_train(occlusion):
    """Neither do they thin out what the other pairs say."""
    moving = shifted_clip(2, 1)
    frozen = moving[:, :, :1].repeat(1, 1, 2, 1, 1)
    loss = PhotometricLoss(
        ssim_weight=1., penalty='robust', occlusion=occlusion, **ONE)
    build = UnsupervisedLoss([loss])

    def total(clips, flow):
        losses = build([flow], [-flow], clips)
        assert losses
        return sum(losses.values())

    flow = torch.rand(2, 2, 1, 32, 64, requires_grad=True)
    total(torch.cat([frozen, moving]), flow).backward()
    assert not flow.grad[0].any()
    assert flow.grad[1].any()
    alone = flow[1:].detach().requires_grad_()
    expected = total(moving, alone)
    expected.backward()
    torch.testing.assert_close(flow.grad[1:], alone.grad)
    both = total(torch.cat([frozen, moving]), flow)
    torch.testing.assert_close(both, expected)
    assert total(frozen, flow[:1]) == 0
