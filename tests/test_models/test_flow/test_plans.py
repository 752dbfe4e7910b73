# SPDX-License-Identifier: Apache-2.0
"""A plan names the sizes of the estimator."""
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from uftsn_mmaction.models.flow import PLANS, UnsupervisedFlowEstimator


def shapes(estimator):
    return {k: v.shape for k, v in estimator.state_dict().items()}


@pytest.mark.parametrize('plan, millions', [
    ('uftsn', 5.7), ('uftsn_small', 0.43), ('uftsn_plus', 0.6),
    ('uftsn_plus_tiny', 0.2)])
def test_a_plan_has_the_promised_size(plan, millions):
    estimator = UnsupervisedFlowEstimator(plan)
    size = sum(p.numel() for p in estimator.parameters())
    assert size / 1e6 == pytest.approx(millions, abs=0.05)
    spelled_out = UnsupervisedFlowEstimator(**vars(PLANS[plan]))
    assert shapes(estimator) == shapes(spelled_out)
    assert estimator.max_displacement == spelled_out.max_displacement


def test_the_paper_s_plan_is_the_default():
    assert shapes(UnsupervisedFlowEstimator()) == shapes(
        UnsupervisedFlowEstimator('uftsn'))


def test_arguments_replace_what_the_plan_says():
    estimator = UnsupervisedFlowEstimator(
        'uftsn_small', pyramid_channels=(4, 5, 6, 7), max_displacement=1)
    assert estimator.pyramid.channels == (3, 4, 5, 6, 7)
    assert estimator.max_displacement == (1, ) * 5
    # What is not given is the plan's.
    assert estimator.decoders['0'].hidden[0].conv.out_channels == 8


def test_an_unknown_plan_lists_the_known_ones():
    with pytest.raises(ValueError, match='plan.*uftsn_small.*tiny'):
        UnsupervisedFlowEstimator('tiny')
    assert set(PLANS) == {
        'uftsn', 'uftsn_small', 'uftsn_plus', 'uftsn_plus_tiny'
    }


def test_levels_of_one_decoder_share_the_search_radius():
    with pytest.raises(ValueError, match='max_displacement'):
        UnsupervisedFlowEstimator(
            'uftsn_plus', max_displacement=(4, 4, 4, 4, 2))
    # Levels without a pass do not count.
    UnsupervisedFlowEstimator('uftsn_plus', max_displacement=(1, 1, 4, 4, 4))


def test_one_estimate_starts_from_no_other_scale():
    with pytest.raises(ValueError, match='num_scales is 2.*multi_scale'):
        UnsupervisedFlowEstimator(multi_scale=False, num_scales=2)


def test_further_passes_cost_no_parameter():
    one, three = (UnsupervisedFlowEstimator('uftsn_plus', num_passes=number)
                  for number in (1, 3))
    assert shapes(one) == shapes(three)
    clip = torch.rand(1, 3, 2, 64, 64)
    three.load_state_dict(one.state_dict())
    assert not torch.allclose(one(clip)[0], three(clip)[0])


@pytest.mark.parametrize('plan, level', [
    ('uftsn_small', 0), ('uftsn_plus_tiny', 2)])
def test_a_context_corrects_the_finest_flow_from_far_around(plan, level):
    torch.manual_seed(0)
    plain = UnsupervisedFlowEstimator(plan)
    wide = UnsupervisedFlowEstimator(plan, context_dilations=(1, 4, 8))
    assert wide.load_state_dict(plain.state_dict(), strict=False)[1] == []
    clip = torch.rand(1, 3, 2, 64, 64)
    before, after = plain(clip), wide(clip)
    # It starts as a small correction, and coarser levels come before it.
    difference = (after[level] - before[level]).abs().max()
    assert 0 < difference < 0.1 * before[level].abs().max() + 0.1
    assert torch.equal(after[level + 1], before[level + 1])
    known = torch.rand(1, wide.context.hidden[0].conv.in_channels - 2, 64, 64)
    flow = torch.zeros(1, 2, 64, 64, requires_grad=True)
    wide.context(known, flow)[0, 0, 32, 32].backward()
    rows = flow.grad[0].abs().sum(0).sum(1).nonzero()
    # 1 + 4 + 8 px, and one of the last convolution.
    assert (rows.min(), rows.max()) == (32 - 14, 32 + 14)
    loss = sum(flow.square().sum() for flow in wide(clip))
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in wide.context.parameters())


def test_a_context_refuses_no_dilation():
    with pytest.raises(ValueError, match='context_dilations.*0'):
        UnsupervisedFlowEstimator(context_dilations=(1, 0))


def test_plus_plans_meet_their_budget():
    """At most 3.5 and 1 GMAC for a pair of 224x224, 0.6 M and 0.3 M."""
    for plan, giga, mega in (('uftsn_plus', 3.5, 0.65),
                             ('uftsn_plus_tiny', 1, 0.3)):
        estimator = UnsupervisedFlowEstimator(plan).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            estimator(torch.zeros(1, 3, 2, 224, 224))
        assert counter.get_total_flops() / 2 < giga * 1e9
        assert sum(p.numel() for p in estimator.parameters()) < mega * 1e6


def test_a_shared_decoder_takes_evidence_of_one_width():
    with pytest.raises(ValueError, match='state_channels'):
        UnsupervisedFlowEstimator('uftsn_plus', use_cost_volume=False)
