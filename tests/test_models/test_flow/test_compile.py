# SPDX-License-Identifier: Apache-2.0
"""``torch.compile`` takes the estimator as one graph."""
import pytest
import torch

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator


# The first backend traces the derivative as well. None needs a compiler.
@pytest.mark.parametrize('plan, backend', [
    ('uftsn_plus_tiny', 'aot_eager'), ('uftsn_small', 'eager'),
    ('uftsn_plus', 'eager')])
def test_one_graph_equals_eager(plan, backend):
    torch.compiler.reset()
    estimator = UnsupervisedFlowEstimator(plan).double()
    compiled = torch.compile(estimator, fullgraph=True, backend=backend)
    clips = torch.rand(1, 3, 3, 32, 40, dtype=torch.float64)

    def results(function):
        estimator.zero_grad()
        flows = function(clips)
        sum(flow.square().sum() for flow in flows).backward()
        return flows, [weight.grad for weight in estimator.parameters()]

    torch.testing.assert_close(results(compiled), results(estimator))
    estimator.eval()
    with torch.inference_mode():
        torch.testing.assert_close(compiled(clips), estimator(clips))
