# SPDX-License-Identifier: Apache-2.0
"""An estimator of pairs becomes one of clips, whatever the pairs hold."""
import pytest
import torch

from uftsn_mmaction.models.other_flows.pairwise import PairwiseFlowEstimator


class Brightness(PairwiseFlowEstimator):
    """Not a flow: red of the first frame as u, of the second as v."""

    differentiable = True

    def estimate(self, first, second):
        return torch.cat((first[:, :1], second[:, :1]), 1)


def numbered_clip(batch=2, frames=4, size=8):
    """A clip whose frames have a grey value of their own each."""
    values = torch.arange(batch * frames) / (batch * frames)
    clip = values.view(batch, 1, frames, 1, 1)
    return clip.expand(batch, 3, frames, size, size).clone()


def test_each_flow_belongs_to_its_clip_and_pair():
    clip = numbered_clip()
    flow = Brightness()(clip)
    assert flow.shape == (2, 2, 3, 8, 8)
    torch.testing.assert_close(flow[:, 0], clip[:, 0, :-1])
    torch.testing.assert_close(flow[:, 1], clip[:, 0, 1:])


def test_backward_flow_leads_from_the_later_frame_to_the_earlier():
    clip = numbered_clip()
    (flow, ), (back, ) = Brightness().bidirectional(clip)
    torch.testing.assert_close(back, flow.flip(1))
    torch.testing.assert_close(Brightness()(clip, backward=True), back)


def test_levels_have_the_estimators_sizes_and_units():
    clip = torch.full((2, 3, 3, 45, 53), 0.5)
    flows = Brightness(out_indices=(0, 1, 3))(clip)
    assert [tuple(flow.shape) for flow in flows] == [(2, 2, 2, 45, 53),
                                                     (2, 2, 2, 23, 27),
                                                     (2, 2, 2, 6, 7)]
    assert isinstance(flows, tuple)
    for flow, full in zip(flows, (1, 2, 8)):
        assert flow.mean() == pytest.approx(0.5 / full, rel=0.1)
        # By the true ratio of sizes, 45 / 23 and not 2.
        expected = torch.full_like(flow[:, 1], 0.5 * flow.shape[-2] / 45)
        torch.testing.assert_close(flow[:, 1], expected)


def test_pairs_are_float32_also_under_autocast_and_from_halves():
    estimator = Brightness()
    kinds = []

    def estimate(first, second):
        kinds.append((first.dtype, (first.flatten(1) @ torch.ones(
            first[0].numel(), 1)).dtype))
        return first[:, :2]

    estimator.estimate = estimate
    clip = numbered_clip()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert estimator(clip).dtype == torch.float32
    assert estimator(clip.bfloat16()).dtype == torch.float32
    assert set(kinds) == {(torch.float32, torch.float32)}
    assert Brightness()(clip.double()).dtype == torch.float64


@pytest.mark.parametrize('differentiable', [True, False])
def test_gradients_stop_at_what_is_not_differentiable(differentiable):
    estimator = Brightness()
    estimator.differentiable = differentiable
    clip = numbered_clip().requires_grad_()
    assert estimator(clip).requires_grad == differentiable
    with torch.no_grad():
        assert not estimator(clip).requires_grad


def test_an_estimator_of_pairs_says_how_to_estimate():
    with pytest.raises(TypeError, match='estimate'):
        PairwiseFlowEstimator()
