# SPDX-License-Identifier: Apache-2.0
"""A plan names the sizes of the estimator."""
import pytest

from uftsn_mmaction.models.flow import PLANS, UnsupervisedFlowEstimator


def shapes(estimator):
    return {k: v.shape for k, v in estimator.state_dict().items()}


@pytest.mark.parametrize('plan, millions', [('uftsn', 5.7),
                                            ('uftsn_small', 0.43)])
def test_a_plan_has_the_promised_size(plan, millions):
    estimator = UnsupervisedFlowEstimator(plan)
    size = sum(p.numel() for p in estimator.parameters())
    assert size / 1e6 == pytest.approx(millions, abs=0.05)
    spelled_out = UnsupervisedFlowEstimator(**PLANS[plan])
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
    assert set(PLANS) == {'uftsn', 'uftsn_small'}
