# SPDX-License-Identifier: Apache-2.0
"""Estimators that are compared do not change each other."""
import torch

from uftsn_mmaction.evaluation.estimators import build_estimators


def equal(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one)


def test_random_weights_are_named_and_do_not_depend_on_the_others():
    alone = build_estimators(['uftsn_small'], seed=3)
    assert list(alone) == ['uftsn_small (random weights)']
    both = build_estimators(['uftsn', 'zero', 'uftsn_small'], seed=3)
    assert list(both) == [
        'uftsn (random weights)', 'zero', 'uftsn_small (random weights)'
    ]
    name = 'uftsn_small (random weights)'
    assert equal(alone[name], both[name])
    other = build_estimators(['uftsn_small'], seed=4)
    assert not equal(alone[name], other[name])
