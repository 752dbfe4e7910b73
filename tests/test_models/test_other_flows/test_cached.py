# SPDX-License-Identifier: Apache-2.0
"""Cached flow takes the place of frames behind the same contract."""
import pytest
import torch
from mmaction.registry import MODELS


@pytest.fixture(params=['CachedFlowEstimator', 'PrecomputedFlow'])
def estimator(request):
    return MODELS.build(dict(type=request.param))


def test_flow_passes_unchanged(estimator):
    flow = 30 * torch.randn(2, 2, 9, 32, 40)  # pixels, in no range
    assert estimator(flow) is flow
    assert estimator.levels(flow) == (flow, )
    assert estimator.clip_shape(10) == (2, 9)


def test_there_is_nothing_to_train_and_no_backward_flow(estimator):
    flow = torch.randn(2, 2, 9, 32, 40)
    assert not estimator.can_train and not estimator.state_dict()
    for call in (estimator.bidirectional,
                 lambda flow: estimator(flow, backward=True)):
        with pytest.raises(NotImplementedError, match='backward'):
            call(flow)


@pytest.mark.parametrize('shape', [(2, 3, 10, 32, 40), (2, 9, 32, 40)])
def test_frames_are_refused(estimator, shape):
    with pytest.raises(ValueError, match='CachedFlowEstimator.*CachedFlow '):
        estimator(torch.rand(shape))
