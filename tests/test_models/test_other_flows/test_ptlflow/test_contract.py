# SPDX-License-Identifier: Apache-2.0
"""A model of ptlflow keeps the contract of an estimator."""
import copy
import sys

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from uftsn_mmaction.models.other_flows.ptlflow import PTLFlowEstimator


def test_each_pair_enters_blue_first(build):
    clip = torch.rand(2, 3, 4, 10, 12)
    estimator = build()
    flow = estimator(clip)
    assert flow.shape == (2, 2, 3, 10, 12)
    assert flow.dtype == torch.float32
    torch.testing.assert_close(flow[:, 0], clip[:, 2, :3])
    torch.testing.assert_close(flow[:, 1], clip[:, 0, 1:])
    images = estimator.network.images
    assert images.shape == (6, 2, 3, 10, 12)
    # Values as they are: the models bring their own mean and std.
    torch.testing.assert_close(images[4, 1], clip[1, :, 2].flip(0))


def test_backward_flow_swaps_the_frames(build):
    clip = torch.rand(2, 3, 3, 10, 12)
    (flow, ), (back, ) = build().bidirectional(clip)
    torch.testing.assert_close(flow[:, 0], clip[:, 2, :2])
    torch.testing.assert_close(back[:, 0], clip[:, 2, 1:])
    torch.testing.assert_close(back[:, 1], clip[:, 0, :2])


@pytest.mark.parametrize('size, seen', [
    ((64, 96), (128, 192)),
    ((96, 64), (192, 128)),
    ((45, 53), (128, 151)),
    ((128, 130), (128, 130)),
    ((200, 300), (200, 300)),
])
def test_small_frames_are_enlarged_and_their_flow_is_scaled(
        build, size, seen):
    estimator = build(min_size=128, bias=8.)
    flow = estimator(torch.zeros(1, 3, 2, *size))
    assert estimator.network.images.shape[-2:] == seen
    assert flow.shape[-2:] == size
    for value, side, enlarged in zip(flow[0, :, 0], size[::-1], seen[::-1]):
        torch.testing.assert_close(value,
                                   torch.full(size, 8. * side / enlarged))


def test_levels_have_the_estimators_sizes_and_units(build):
    flows = build(
        out_indices=(0, 2), bias=8.)(torch.zeros(2, 3, 3, 30, 44))
    assert [tuple(flow.shape) for flow in flows] == [(2, 2, 2, 30, 44),
                                                     (2, 2, 2, 8, 11)]
    torch.testing.assert_close(flows[1][:, 0].mean(), torch.tensor(2.))
    torch.testing.assert_close(flows[1][:, 1].mean(), torch.tensor(8 * 8 / 30))


def test_never_trains_and_always_evaluates(build):
    estimator = build()
    parent = nn.Sequential(estimator).train()
    assert parent.training
    assert not any(m.training for m in estimator.network.modules())
    assert not any(p.requires_grad for p in estimator.parameters())
    clip = torch.rand(1, 3, 2, 10, 12, requires_grad=True)
    assert not estimator(clip).requires_grad
    assert estimator.differentiable is False


def test_initialisation_of_a_recognizer_keeps_the_weights(build):

    class Parent(BaseModule):

        def __init__(self):
            super().__init__()
            self.flow_estimator = build(bias=3.)

    parent = Parent()
    parent.init_weights()
    assert parent.flow_estimator.network.bias == 3


def test_a_move_reaches_the_network_itself(build):
    """Lightning does not see a move of the parent, yet models ask it."""
    estimator = build()
    assert estimator.network.told is None
    nn.Sequential(estimator).to('cpu')[0](torch.rand(1, 3, 2, 10, 12))
    assert estimator.network.told == torch.device('cpu')


def test_autocast_does_not_reach_the_network(build):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        estimator = build()
        flow = estimator(torch.rand(1, 3, 2, 10, 12).bfloat16())
    assert estimator.network.images.dtype == flow.dtype == torch.float32


def test_can_be_copied_and_is_registered(build):
    clip = torch.rand(1, 3, 2, 10, 12)
    estimator = MODELS.build(
        dict(type='PTLFlowEstimator', model='fake', min_size=1, bias=2.))
    torch.testing.assert_close(copy.deepcopy(estimator)(clip), estimator(clip))
    assert "model='fake', min_size=1" in repr(estimator)


@pytest.mark.parametrize('settings, kind, words', [
    (dict(model='fkae'), ValueError, "'fkae'.*fake, many"),
    (dict(iters=3), ValueError, "'fake'.*{'iters': 3}"),
    (dict(checkpoint='thigns'), FileNotFoundError,
     "'thigns'.*'fake'.*things"),
    (dict(min_size=0), ValueError, 'min_size.*got 0'),
    (dict(out_indices=()), ValueError, 'out_indices'),
])
def test_settings_it_refuses(settings, kind, words, build):
    with pytest.raises(kind, match=words):
        build(**settings)


@pytest.mark.parametrize('settings, words', [
    (dict(model='many'), r"'many'.*\(1, 2, 2, 10, 12\)"),
    (dict(bias=float('nan')), "'fake'.*not finite.*10x12.*min_size"),
])
def test_results_it_refuses(settings, words, build):
    with pytest.raises(ValueError, match=words):
        build(**settings)(torch.rand(1, 3, 2, 10, 12))


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ptlflow', None)
    with pytest.raises(ImportError, match=r'"uftsn-mmaction\[ptlflow\]"'):
        PTLFlowEstimator()
