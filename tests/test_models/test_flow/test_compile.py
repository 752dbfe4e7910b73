# SPDX-License-Identifier: Apache-2.0
"""``torch.compile`` takes the estimator as one graph."""
import pytest
import torch

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator


# Without a compiler; the operator's own test traces its derivative.
@pytest.mark.parametrize('plan, training', [
    ('uftsn_small', True), ('uftsn_plus', True), ('uftsn_plus_tiny', True),
    ('uftsn_plus_tiny', False)])
def test_one_graph_equals_eager(plan, training):
    torch.compiler.reset()
    estimator = UnsupervisedFlowEstimator(plan).double().train(training)
    compiled = torch.compile(estimator, fullgraph=True, backend='eager')
    clips = torch.rand(1, 3, 2, 32, 40, dtype=torch.float64)

    def results(function):
        flows = function(clips)
        if not training:
            return flows
        total = sum(flow.square().sum() for flow in flows)
        return flows, torch.autograd.grad(total, [*estimator.parameters()])

    with torch.inference_mode(not training):
        torch.testing.assert_close(results(compiled), results(estimator))
