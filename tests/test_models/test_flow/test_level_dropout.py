# SPDX-License-Identifier: Apache-2.0
"""Levels that drop out of a training step."""
import pytest
import torch
from torch import nn

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator, resize_flow


def build(**kwargs):
    """One decoder a level, and flows of some pixels."""
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5, 6, 7),
        decoder_channels=((4, ), (5, ), (6, 5), (7, ), (8, 6)),
        **kwargs)
    for decoder in estimator.decoders.values():
        nn.init.normal_(decoder.predict.bias, std=0.5)
    return estimator


def build_plus(**kwargs):
    """One decoder for all levels, two passes at level 2."""
    estimator = UnsupervisedFlowEstimator(
        pyramid_channels=(4, 5, 6, 7),
        decoder_channels=(6, ),
        max_displacement=2,
        state_channels=4,
        finest_level=2,
        num_passes=2,
        learned_upsampling=True,
        **kwargs)
    nn.init.normal_(estimator.decoders.predict.bias, std=0.5)
    return estimator


def skips(flows, level):
    """Return for each pair if its flow is that of the coarser level."""
    fine, coarse = (flow.transpose(1, 2).flatten(0, 1)
                    for flow in (flows[level], flows[level + 1]))
    gap = fine - resize_flow(coarse, fine.shape[-2:])
    return gap.abs().amax((1, 2, 3)) < 1e-5


def test_levels_drop_out_by_pair():
    estimator = build(level_dropout=0.5)
    skipped = [[], [], [], []]
    for _ in range(10):
        flows, flows_back = estimator.bidirectional(
            torch.rand(4, 3, 4, 32, 40))
        for level in range(4):
            skipped[level] += skips(flows, level)
            skipped[level] += skips(flows_back, level)
    shares = [torch.stack(pairs).float().mean() for pairs in skipped]
    assert shares[0] == 0
    for share in shares[1:]:  # of 240, five standard deviations
        assert 0.34 < share < 0.66
    together = torch.stack([torch.stack(pairs) for pairs in skipped[1:]])
    # Levels and pairs are drawn on their own.
    assert len(together.T.unique(dim=0)) == 8


@pytest.mark.parametrize('make', [build, build_plus])
@pytest.mark.parametrize('scales', [1, 2])
def test_dropout_of_all_levels_leaves_the_last(make, scales):
    estimator = make(level_dropout=1., out_indices=(0, 2, 3, 4),
                     num_scales=scales)
    flows = estimator(torch.rand(2, 3, 3, 64, 96))
    # Nothing but upsampled zeros until the last pass.
    coarse = flows[1:] if make is build else flows[2:]
    assert all(not flow.any() for flow in coarse)
    assert flows[0].any()
    flows[0].sum().backward()
    trained = {name for name, parameter in estimator.named_parameters()
               if parameter.grad is not None and parameter.grad.any()}
    if make is build:
        assert {name.split('.')[1] for name in trained
                if name.startswith('decoders')} == {'0'}
    else:
        assert any(name.startswith('decoders.predict') for name in trained)


@pytest.mark.parametrize('make', [build, build_plus])
def test_no_dropout_without_training_or_probability(make):
    estimator, other = make(), make(level_dropout=0.9)
    other.load_state_dict(estimator.state_dict())
    clip = torch.rand(2, 3, 3, 48, 64)
    state = torch.get_rng_state()
    plain = estimator(clip)
    assert all(map(torch.equal, plain, estimator.eval()(clip)))
    assert all(map(torch.equal, plain, other.eval()(clip)))
    assert torch.equal(torch.get_rng_state(), state)
    assert not all(map(torch.equal, plain, other.train()(clip)))


def test_dropout_follows_from_the_seed():
    estimator = build(level_dropout=0.5)
    clip = torch.rand(4, 3, 4, 32, 40)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(estimator(clip))
    assert all(map(torch.equal, *runs[:2]))
    assert not all(map(torch.equal, *runs[1:]))


@pytest.mark.parametrize('probability', [-0.1, 1.1])
def test_level_dropout_is_a_probability(probability):
    with pytest.raises(ValueError, match='level_dropout'):
        build(level_dropout=probability)
