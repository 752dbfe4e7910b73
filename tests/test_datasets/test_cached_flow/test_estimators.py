# SPDX-License-Identifier: Apache-2.0
"""The estimator has weights of its own, and disturbs nothing else."""
import os
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from uftsn_mmaction.datasets import CachedFlow
from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator

LEARNED = dict(
    type='UnsupervisedFlowEstimator',
    pyramid_channels=(4, 4, 4, 4),
    decoder_channels=((4, ), ) * 5)


def test_a_learned_estimator_needs_its_weights(tmp_path):
    with pytest.raises(ValueError, match='random.*checkpoint'):
        CachedFlow(LEARNED, str(tmp_path))
    with pytest.raises(ValueError, match='init_cfg'):
        CachedFlow(
            dict(LEARNED, init_cfg=dict(type='Pretrained', checkpoint='a')),
            str(tmp_path))
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        CachedFlow(LEARNED, str(tmp_path), checkpoint='nowhere.pth')


def test_coarser_levels_do_not_change_the_key(tmp_path):
    torch.manual_seed(0)
    torch.save(MODELS.build(LEARNED).state_dict(), tmp_path / 'weights.pth')
    folder, *others = (
        CachedFlow(
            dict(LEARNED, **settings), str(tmp_path),
            checkpoint=str(tmp_path / 'weights.pth')).cache.folder
        for settings in (dict(), dict(out_indices=(0, 1)),
                         dict(out_indices=(0, )), dict(feature_norm=None)))
    assert others[0] == others[1] == folder != others[2]


def test_a_default_that_changes_is_in_the_key(tmp_path, monkeypatch):
    torch.manual_seed(0)
    torch.save(MODELS.build(LEARNED).state_dict(), tmp_path / 'weights.pth')

    def folder():
        return CachedFlow(
            LEARNED, str(tmp_path),
            checkpoint=str(tmp_path / 'weights.pth')).cache.folder

    before = folder()
    assert folder() == before
    defaults = list(UnsupervisedFlowEstimator.__init__.__defaults__)
    defaults[defaults.index('unit')] = None
    monkeypatch.setattr(UnsupervisedFlowEstimator.__init__, '__defaults__',
                        tuple(defaults))
    assert folder() != before


@pytest.mark.parametrize('prefix', ['', 'flow_estimator.'])
def test_a_learned_estimator_runs_with_its_weights(
        tmp_path, prefix, make_frames, results_of):
    estimator = MODELS.build(LEARNED).eval()
    for decoder in estimator.decoders.values():
        nn.init.normal_(decoder.predict.weight, std=0.1)
    state = {
        f'{prefix}{name}': value
        for name, value in estimator.state_dict().items()
    }
    if prefix:
        state['backbone.conv1.weight'] = torch.zeros(1)
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    state[f'{prefix}decoders.0.predict.bias'] = torch.ones(2)
    torch.save(dict(state_dict=state), tmp_path / 'b.pth')
    frames = make_frames(3, (32, 40))
    a, b = (
        CachedFlow(LEARNED, str(tmp_path), str(tmp_path / name))
        for name in ('a.pth', 'b.pth'))
    assert a.cache.folder != b.cache.folder
    found = np.stack(a(results_of(frames))['imgs'])
    clip = torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 255
    with torch.no_grad():
        expected = estimator(clip)[0][0].permute(1, 2, 3, 0).numpy()
    assert np.abs(expected).mean() > 0.1
    np.testing.assert_allclose(found, expected, atol=1 / 32 + 1e-4)
    assert not np.allclose(b(results_of(frames))['imgs'], found)


class Payload:

    def __reduce__(self):
        return os.mkdir, ('made_by_a_checkpoint', )


def test_a_checkpoint_cannot_run_anything(tmp_cwd):
    with open('bad.pth', 'wb') as file:
        pickle.dump(Payload(), file, protocol=2)
    with pytest.raises(ValueError, match='bad.pth'):
        CachedFlow(LEARNED, 'cache', checkpoint='bad.pth')
    assert not os.path.exists('made_by_a_checkpoint')


def test_a_run_draws_the_same_numbers_with_and_without_it(
        build, stubs, make_frames, results_of):
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    build(kind=stubs.weights, start=1.0)(results_of(make_frames(3)))
    with pytest.raises(ValueError, match='random'):
        build(kind=stubs.weights)
    assert torch.equal(torch.rand(4), expected)


def test_another_device_is_refused(build, stubs):
    # Any but the CPU; this one exists everywhere.
    with pytest.raises(ValueError, match='meta.*CPU'):
        build(kind=stubs.weights, start=1.0, device='meta')
