# SPDX-License-Identifier: Apache-2.0
"""Zero flow is zero, at every level."""
import torch
from mmaction.registry import MODELS


def test_no_motion_anywhere():
    estimator = MODELS.build(dict(type='ZeroFlowEstimator',
                                  out_indices=(0, 2)))
    flows = estimator(torch.rand(2, 3, 4, 9, 13, dtype=torch.float64))
    assert [tuple(flow.shape) for flow in flows] == [(2, 2, 3, 9, 13),
                                                     (2, 2, 3, 3, 4)]
    assert not any(flow.any() for flow in flows)
    assert not estimator.can_train
