# SPDX-License-Identifier: Apache-2.0
"""Eq. 9: terms that share their frames, in both directions."""
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmaction.registry import MODELS
from torch import nn

from uftsn_mmaction.models.losses import (
    PhotometricLoss,
    SmoothnessLoss,
    UnsupervisedLoss,
    build_unsupervised_loss,
    level,
)

SIZES = ((32, 40), (16, 20), (8, 10))
LEVELS = dict(level_weights=(1., 1., 1.))


@pytest.fixture
def inputs():
    """Flows of both directions, and the clips."""
    flows, flows_back = ([torch.randn(2, 2, 2, *size) for size in SIZES]
                         for _ in range(2))
    return flows, flows_back, torch.rand(2, 3, 3, *SIZES[0])


def mean_of_directions(term, flows, flows_back, clip):
    there, back = term(flows, clip), term(flows_back, clip, backward=True)
    return {name: there[name] / 2 + back[name] / 2 for name in there}


@pytest.fixture
def count(monkeypatch):
    """Function that counts the calls of a function used by the levels."""

    def count(name, owner=level):
        calls, function = [], getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *args, **kwargs:
            (calls.append(args), function(*args, **kwargs))[1])
        return calls

    return count


def test_mean_of_both_directions(inputs):
    # Terms that differ in the levels and in the range they look at.
    terms = [
        PhotometricLoss(level_weights=(1., 0., 0.5)),
        SmoothnessLoss(level_weights=(0., 2., 1.), image_scale=1.)
    ]
    losses = UnsupervisedLoss(terms)(*inputs)
    expected = {}
    for term in terms:
        expected.update(mean_of_directions(term, *inputs))
    assert losses.keys() == {
        'loss_difference', 'loss_census', 'loss_smoothness'
    }
    assert losses == expected


def test_frames_are_resized_once_and_shared(inputs, count):
    resized = count('interpolate', level.F)
    warps, census = count('backward_warp'), count('census_transform')
    losses = UnsupervisedLoss([
        PhotometricLoss(**LEVELS),
        PhotometricLoss(penalty='robust', **LEVELS),
        SmoothnessLoss(**LEVELS)
    ])
    losses(*inputs)
    assert len(resized) == 2  # levels 1 and 2
    assert len(warps) == 2 * 3  # directions, levels
    # At each level all frames, and the warped ones of each direction.
    assert len(census) == 3 * (1 + 2)


def test_losses_of_one_name_add_up(inputs):
    terms = [SmoothnessLoss(order=order, **LEVELS) for order in (1, 2)]
    single = [
        UnsupervisedLoss([term])(*inputs)['loss_smoothness'] for term in terms
    ]
    both = UnsupervisedLoss(terms)(*inputs)['loss_smoothness']
    torch.testing.assert_close(both, sum(single))


def test_any_module_with_the_call_is_a_term(inputs):

    class Length(nn.Module):

        def forward(self, flows, clip, backward=False):
            return dict(loss_length=flows[0].abs().mean())

    losses = UnsupervisedLoss([Length(), SmoothnessLoss(**LEVELS)])(*inputs)
    flows, flows_back, _ = inputs
    torch.testing.assert_close(
        losses['loss_length'],
        (flows[0].abs().mean() + flows_back[0].abs().mean()) / 2)
    assert 'loss_smoothness' in losses


PHOTOMETRIC = dict(type='PhotometricLoss', **LEVELS)
SMOOTHNESS = dict(type='SmoothnessLoss', **LEVELS)


def test_terms_by_name_equal_the_shorthand(inputs):
    shorthand = build_unsupervised_loss(
        photometric_loss=PHOTOMETRIC, smoothness_loss=SMOOTHNESS)
    by_name = build_unsupervised_loss(
        dict(photometric=PHOTOMETRIC, smoothness=SMOOTHNESS))
    assert shorthand(*inputs) == by_name(*inputs)
    more = build_unsupervised_loss(
        dict(second=dict(SMOOTHNESS, order=2), none=None),
        photometric_loss=PHOTOMETRIC)
    assert [type(term) for term in more.terms] == [
        PhotometricLoss, SmoothnessLoss
    ]


@pytest.mark.parametrize('name', ['photometric', 'smoothness'])
def test_a_term_is_given_once(name):
    cfg = dict(photometric=PHOTOMETRIC, smoothness=SMOOTHNESS)[name]
    with pytest.raises(ValueError, match=f'flow_losses.{name}.*{name}_loss'):
        build_unsupervised_loss({name: cfg}, **{f'{name}_loss': cfg})


def test_the_recognizer_takes_them_by_name(build_recognizer, make_batch):
    clips, samples = make_batch()
    photometric, smoothness = (
        dict(type=name) for name in ('PhotometricLoss', 'SmoothnessLoss'))
    settings = dict(photometric_loss=None, smoothness_loss=None)
    ways = (dict(photometric_loss=photometric, smoothness_loss=smoothness),
            dict(settings, flow_losses=dict(
                photometric=photometric, smoothness=smoothness)))
    first, second = (build_recognizer(**way) for way in ways)
    second.load_state_dict(first.state_dict())
    assert first.loss(clips, samples) == second.loss(clips, samples)
    assert not MODELS.build(photometric).state_dict()


@given(
    st.integers(3, 14), st.integers(3, 14), st.integers(2, 4),
    st.sampled_from([None, 'forward_backward', 'range_map']),
    st.sampled_from([1, 2]), st.sampled_from(['l1', 'charbonnier', 'robust']),
    st.integers(0, 99))
def test_mirrored_or_reversed_clips_cost_the_same(
        height, width, frames, occlusion, order, penalty, seed):
    """Left, right, up, down, before and after are alike to every term."""
    loss = UnsupervisedLoss([
        PhotometricLoss(
            level_weights=(1., ), ssim_weight=1., penalty=penalty,
            occlusion=occlusion),
        SmoothnessLoss(level_weights=(1., ), order=order, penalty=penalty)
    ])  # yapf: disable
    generator = torch.Generator().manual_seed(seed)
    clip = torch.rand(2, 3, frames, height, width, generator=generator)
    there, back = 2 * torch.randn(
        2, 2, 2, frames - 1, height, width, generator=generator)
    expected = loss([there], [back], clip)
    assert all(value.isfinite() for value in expected.values())
    for axis, signs in ((-1, (-1., 1.)), (-2, (1., -1.))):
        sign = torch.tensor(signs).view(2, 1, 1, 1)
        mirrored = loss([there.flip(axis) * sign], [back.flip(axis) * sign],
                        clip.flip(axis))
        torch.testing.assert_close(mirrored, expected, atol=1e-3, rtol=1e-3)
    reversed_ = loss([back.flip(2)], [there.flip(2)], clip.flip(2))
    torch.testing.assert_close(reversed_, expected, atol=1e-4, rtol=1e-4)
