# SPDX-License-Identifier: Apache-2.0
"""The library ptlflow itself, where it is installed."""
from argparse import Namespace

import pytest
import torch

from uftsn_mmaction.models.other_flows.ptlflow import PTLFlowEstimator


@pytest.fixture(scope='module')
def real():
    return pytest.importorskip('ptlflow')


@pytest.mark.parametrize('model, settings, parameters', [
    ('raft_small', dict(iters=2), 0.99),
    ('pwcnet', dict(), 9.37),
    ('neuflow', dict(), 3.85),
])
def test_models_of_the_library(model, settings, parameters, real):
    estimator = PTLFlowEstimator(model, **settings)
    count = sum(p.numel() for p in estimator.parameters())
    assert round(count / 1e6, 2) == parameters
    clip = torch.rand(2, 3, 3, 37, 48)
    flow = estimator.train()(clip)
    assert flow.shape == (2, 2, 2, 37, 48)
    assert flow.dtype == torch.float32
    # The pairs of a batch do not mix.
    alone = estimator(clip[1:, :, 1:])
    torch.testing.assert_close(
        flow[1:, :, 1:], alone, atol=1e-3, rtol=1e-3)
    # The order of the frames matters.
    assert (estimator(clip.flip(2)) - flow).abs().max() > 1e-6


def test_weights_of_the_library_go_through_a_file(real, tmp_path):
    clip = torch.rand(1, 3, 2, 64, 64)
    first = PTLFlowEstimator('raft_small', iters=2)
    torch.manual_seed(1)
    other = PTLFlowEstimator('raft_small', iters=2)
    assert not torch.equal(other(clip), first(clip))
    # As a part of a recognizer's checkpoint, and as ptlflow's own.
    other.load_state_dict(first.state_dict())
    assert torch.equal(other(clip), first(clip))
    file = tmp_path / 'raft_small.ckpt'
    torch.save(dict(state_dict=first.network.state_dict()), file)
    third = PTLFlowEstimator('raft_small', checkpoint=str(file), iters=2)
    assert torch.equal(third(clip), first(clip))


def test_arguments_reach_the_library(real):
    args = Namespace(model=dict(iters=3))
    assert real.get_model('raft_small', args=args).iters == 3
    assert PTLFlowEstimator('raft_small', iters=3).network.iters == 3
    with pytest.raises(ValueError, match="raft_small.*'itres' is not"):
        PTLFlowEstimator('raft_small', itres=3)


def test_a_hostile_file_does_not_reach_the_library(real, hostile, tmp_path):
    thing, trace = hostile
    file = tmp_path / 'weights.ckpt'
    torch.save(dict(state_dict=thing), file)
    with pytest.raises(ValueError, match='cannot be read'):
        PTLFlowEstimator('raft_small', checkpoint=str(file))
    assert not trace.exists()
