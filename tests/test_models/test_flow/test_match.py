# SPDX-License-Identifier: Apache-2.0
"""The cost volume against eq. 3 in plain loops, and the matchers."""
import math

import pytest
import torch

from uftsn_mmaction.models.flow import cost_volume
from uftsn_mmaction.models.flow.match import (
    ConcatenationMatcher,
    CostVolumeMatcher,
    normalize_features,
)
from uftsn_mmaction.models.flow.warp import backward_warp


def features(*shape, **kwargs):
    return torch.randn(*shape, dtype=torch.float64, **kwargs)


def cost_volume_by_hand(first, second, radius):
    batch, channels, height, width = first.shape
    side = 2 * radius + 1
    volume = torch.zeros(
        batch, side**2, height, width, dtype=first.dtype)
    for y in range(height):
        for x in range(width):
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        volume[:, (dy + radius) * side + dx + radius, y, x] \
                            = (first[:, :, y, x] *
                               second[:, :, y + dy, x + dx]).sum(1) / channels
    return volume


@pytest.mark.parametrize('radius', [0, 1, 3])
def test_equals_plain_loops(radius):
    # A radius beyond the frame's height must work, too.
    first, second = features(2, 5, 3, 7), features(2, 5, 3, 7)
    volume = cost_volume(first, second, radius)
    assert volume.shape == (2, (2 * radius + 1)**2, 3, 7)
    torch.testing.assert_close(
        volume,
        cost_volume_by_hand(first, second, radius),
        rtol=0,
        atol=1e-14)


def test_gradients():
    first = features(2, 3, 4, 5, requires_grad=True)
    second = features(2, 3, 4, 5, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, b: cost_volume(a, b, 2), (first, second))


def test_peaks_at_the_true_displacement():
    radius, side = 2, 5
    first = normalize_features(torch.randn(1, 16, 12, 14))
    inner = (..., slice(radius, -radius), slice(radius, -radius))
    for channel in range(side**2):
        dy, dx = channel // side - radius, channel % side - radius
        # The content of (y, x) is at (y + dy, x + dx) of the second frame.
        second = torch.roll(first, (dy, dx), (2, 3))
        peak = cost_volume(first, second, radius).argmax(1)
        assert (peak[inner] == channel).all(), (dy, dx)


def test_zero_outside_of_the_frame():
    volume = cost_volume(torch.ones(1, 4, 5, 6), torch.ones(1, 4, 5, 6), 1)
    volume = volume.view(3, 3, 5, 6)
    assert not volume[0, :, 0].any()  # above the first row
    assert not volume[2, :, -1].any()
    assert not volume[:, 0, :, 0].any()  # left of the first column
    assert not volume[:, 2, :, -1].any()
    assert (volume[:, :, 1:-1, 1:-1] == 1).all()


def test_errors():
    feature = torch.zeros(1, 3, 4, 5)
    with pytest.raises(ValueError, match=r'\(1, 3, 4, 5\).*\(1, 2, 4, 5\)'):
        cost_volume(feature, torch.zeros(1, 2, 4, 5), 1)
    with pytest.raises(ValueError, match=r'\(3, 4, 5\)'):
        cost_volume(feature[0], feature[0], 1)
    with pytest.raises(ValueError, match='max_displacement.*-1'):
        cost_volume(feature, feature, -1)


class TestMatchers:

    @pytest.mark.parametrize('matcher', [
        CostVolumeMatcher(0), CostVolumeMatcher(2, None),
        ConcatenationMatcher(5)
    ])
    @pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
    def test_evidence_has_the_promised_channels(self, matcher, dtype):
        first, second = features(2, 2, 5, 6, 7).to(dtype)
        first, second = matcher.prepare(first), matcher.prepare(second)
        for flow in (None, torch.randn(2, 2, 6, 7)):
            evidence = matcher.match(first, second, flow)
            assert evidence.shape == (2, matcher.out_channels, 6, 7)

    @pytest.mark.parametrize('mode', ['unit', 'instance', None])
    def test_features_are_normalised_warped_and_compared(self, mode):
        matcher = CostVolumeMatcher(1, mode)
        first, second = features(2, 2, 5, 6, 7)
        flow = 2 * features(2, 2, 6, 7)
        warped = backward_warp(normalize_features(second, mode), flow)
        expected = cost_volume(normalize_features(first, mode), warped, 1)
        evidence = matcher.match(
            matcher.prepare(first), matcher.prepare(second), flow)
        torch.testing.assert_close(evidence, expected)

    def test_concatenation_takes_the_warped_feature_as_it_is(self):
        matcher = ConcatenationMatcher(5)
        first, second = features(2, 2, 5, 6, 7)
        flow = 2 * features(2, 2, 6, 7)
        prepared = matcher.prepare(second)
        assert torch.equal(
            matcher.match(first, prepared, flow), backward_warp(second, flow))
        assert torch.equal(matcher.match(first, prepared, None), second)

    @pytest.mark.parametrize('matcher', [CostVolumeMatcher(1),
                                         ConcatenationMatcher(5)])
    def test_no_flow_stands_for_zero_flow(self, matcher):
        first, second = matcher.prepare(features(2, 5, 6, 7)).split(1)
        torch.testing.assert_close(
            matcher.match(first, second, None),
            matcher.match(first, second, features(1, 2, 6, 7) * 0))

    @pytest.mark.parametrize('args, word', [((-1, ), 'max_displacement.*-1'),
                                            ((2, 'layer'), "'layer'")])
    def test_bad_settings(self, args, word):
        with pytest.raises(ValueError, match=word):
            CostVolumeMatcher(*args)


class TestNormalizeFeatures:

    def test_unit_makes_eq_3_a_cosine(self):
        # Brightness far away from zero, as images have it.
        first, second = features(2, 6, 9, 8) + 5, 3 * features(2, 6, 9, 8) - 7
        unit1, unit2 = normalize_features(first), normalize_features(second)
        # Not to the last digit: what is nearly flat fades to zero.
        close = dict(rtol=1e-3, atol=1e-3)
        length = unit1.norm(dim=1)
        torch.testing.assert_close(
            length, torch.full_like(length, math.sqrt(6)), **close)
        volume = cost_volume(unit1, unit2, 2)
        assert 0.8 < volume.abs().max() <= 1 + 1e-12
        same = cost_volume(unit1, unit1, 0)
        torch.testing.assert_close(same, torch.ones_like(same), **close)
        cosine = torch.cosine_similarity(
            first - first.mean((2, 3), keepdim=True),
            second - second.mean((2, 3), keepdim=True))
        torch.testing.assert_close(
            cost_volume(unit1, unit2, 0)[:, 0], cosine, **close)

    @pytest.mark.parametrize('mode', ['unit', 'instance', None])
    def test_a_flat_frame_stays_finite(self, mode):
        """Videos fade in from black; that must not explode the gradient."""
        black = torch.zeros(1, 4, 8, 8, requires_grad=True)
        texture = normalize_features(torch.randn(1, 4, 8, 8), mode)
        volume = cost_volume(normalize_features(black, mode), texture, 1)
        assert volume.abs().max() < 1e-3
        volume.sum().backward()
        assert black.grad.abs().max() < 1e5

    @pytest.mark.parametrize('mode', ['unit', 'instance'])
    def test_brightness_and_contrast_do_not_count(self, mode):
        feature = features(2, 4, 7, 5)
        offset = features(2, 4, 1, 1)
        contrast = torch.rand(2, 1, 1, 1, dtype=torch.float64) + 0.5
        torch.testing.assert_close(
            normalize_features(contrast * feature + offset, mode),
            normalize_features(feature, mode),
            rtol=0,
            atol=1e-4)  # instance norm adds 1e-5 to the variance

    @pytest.mark.parametrize('mode', ['unit', 'instance'])
    def test_frames_do_not_mix(self, mode):
        feature = features(3, 4, 7, 5)
        alone = [normalize_features(f[None], mode) for f in feature]
        torch.testing.assert_close(
            normalize_features(feature, mode), torch.cat(alone))

    def test_instance_gives_mean_0_and_variance_1(self):
        normed = normalize_features(10 * features(2, 4, 20, 20) + 3,
                                    'instance')
        mean, variance = normed.mean((2, 3)), normed.var(
            (2, 3), unbiased=False)
        torch.testing.assert_close(mean, torch.zeros_like(mean))
        torch.testing.assert_close(
            variance, torch.ones_like(variance), rtol=0, atol=1e-4)

    def test_none_changes_nothing(self):
        feature = torch.randn(1, 2, 3, 4)
        assert torch.equal(normalize_features(feature, None), feature)

    @pytest.mark.parametrize('mode', ['unit', 'instance', None])
    def test_half_precision_becomes_float32(self, mode):
        feature = torch.randn(1, 2, 3, 4)
        for dtype in (torch.bfloat16, torch.float16):
            assert normalize_features(feature.to(dtype),
                                      mode).dtype == torch.float32
        assert normalize_features(feature.double(),
                                  mode).dtype == torch.float64

    def test_gradients(self):
        feature = features(2, 3, 3, 4, requires_grad=True)
        assert torch.autograd.gradcheck(normalize_features, feature)

    def test_unknown_mode(self):
        with pytest.raises(ValueError, match="unit.*got 'layer'"):
            normalize_features(torch.zeros(1, 2, 3, 4), 'layer')
