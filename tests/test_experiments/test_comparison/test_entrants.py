# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from mmaction.registry import MODELS

from uftsn_mmaction.experiments.comparison.entrants import read_entrants


def test_names_tell_what_is_random(cfg, checkpoint):
    specs = ['ours', 'ours+joint', 'untrained', 'uftsn_small', 'tvl1',
             f'uftsn_small:{checkpoint}', 'zero']
    entrants = read_entrants(specs, cfg.model.flow_estimator)
    assert [entrant.name for entrant in entrants] == [
        'ours', 'ours+joint', 'untrained (random weights)',
        'uftsn_small (random weights)', 'tvl1', 'uftsn_small:ours.pth', 'zero'
    ]
    assert [entrant.folder for entrant in entrants][-3:] == [
        'tvl1', 'uftsn_small_ours.pth', 'zero'
    ]
    assert [entrant.weights is None
            for entrant in entrants] == [True] * 5 + [False, True]
    # A TV-L1 result means little without them.
    assert 'warps=' in entrants[4].settings
    # A config file holds no classes.
    assert MODELS.build(entrants[-1].estimator).differentiable is False


def test_a_file_of_weights_is_named_after_what_is_in_it(cfg, checkpoint):
    def name():
        entrant, = read_entrants([f'uftsn_small:{checkpoint}'],
                                 cfg.model.flow_estimator)
        return entrant.weights_name

    before = name()
    assert name() == before
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    next(iter(weights.values())).view(-1)[0] += 1
    torch.save(weights, checkpoint)
    assert name() != before


def test_bad_estimators_are_named(cfg, checkpoint, tmp_path):
    def read(*specs):
        return read_entrants(specs, cfg.model.flow_estimator)

    with pytest.raises(ValueError, match="estimator 'farneback' is unknown"):
        read('farneback')
    with pytest.raises(ValueError, match="'ours' is named more than once"):
        read('ours', 'ours')
    with pytest.raises(FileNotFoundError, match='no.pth'):
        read(f'uftsn_small:{tmp_path}/no.pth')
    with pytest.raises(ValueError, match='does not fit'):
        read(f'uftsn:{checkpoint}')
    twin = tmp_path / 'ours=.pth'
    twin.write_bytes(checkpoint.read_bytes())
    other = tmp_path / 'ours@.pth'
    other.write_bytes(checkpoint.read_bytes())
    with pytest.raises(ValueError, match='would be that of another'):
        read(f'uftsn_small:{twin}', f'uftsn_small:{other}')
