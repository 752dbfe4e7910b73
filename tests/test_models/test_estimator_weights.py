# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of estimators and of recognizers that contain them."""
import pickle

import pytest
import torch

from uftsn_mmaction.models.flow_zoo import (
    build_estimator,
    has_random_weights,
)


def weights(estimator, prefix=''):
    return {
        prefix + name: value.clone()
        for name, value in estimator.state_dict().items()
    }


def equal(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def trained():
    """An estimator whose weights no other one has."""
    torch.manual_seed(1234)
    return build_estimator('uftsn_small')


@pytest.mark.parametrize('prefix', ['', 'flow_estimator.', 'module.',
                                    'module.flow_estimator.'])
@pytest.mark.parametrize('wrapped', [True, False])
def test_checkpoint_of_estimator_or_recognizer_is_loaded(
        tmp_path, trained, prefix, wrapped):
    content = weights(trained, prefix)
    if 'flow_estimator' in prefix:
        content['backbone.conv1.weight'] = torch.zeros(1)
    path = tmp_path / 'a:b.pth'
    torch.save(dict(state_dict=content) if wrapped else content, path)
    loaded = build_estimator(f'uftsn_small:{path}')
    assert equal(loaded, trained)
    assert not has_random_weights(f'uftsn_small:{path}', loaded)


def test_config_and_checkpoint_belong_together(repo_root, tmp_path, trained):
    torch.save(weights(trained, 'flow_estimator.'), tmp_path / 'a.pth')
    config = repo_root / 'configs' / 'uftsn_quickstart.py'
    assert equal(build_estimator(f'{config}:{tmp_path / "a.pth"}'), trained)


@pytest.mark.parametrize('change, words', [
    (lambda w: w.pop('decoders.0.predict.bias'), 'decoders.0.predict.bias'),
    (lambda w: w.update(extra=torch.zeros(1)), "'extra'"),
    (lambda w: w.update({'decoders.0.predict.bias': torch.zeros(1)}),
     r'decoders.0.predict.bias.*\[1\].*\[2\]'),
])
def test_weights_that_do_not_fit_are_refused(tmp_path, trained, change,
                                             words):
    content = weights(trained)
    change(content)
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=words) as info:
        build_estimator(f'uftsn_small:{tmp_path / "a.pth"}')
    assert str(info.value).count('\n') == 0


def test_checkpoint_of_another_plan_is_refused(tmp_path, trained):
    torch.save(weights(trained, 'flow_estimator.'), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match="of 'uftsn:"):
        build_estimator(f'uftsn:{tmp_path / "a.pth"}')


class Evil:
    """Leaves a file behind if a pickle of it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def test_a_checkpoint_cannot_run_a_program(tmp_path):
    trace = tmp_path / 'trace'
    (tmp_path / 'a.pth').write_bytes(pickle.dumps(Evil(trace), 2))
    torch.save(dict(state_dict=Evil(trace)), tmp_path / 'b.pth')
    for name in ('a.pth', 'b.pth'):
        with pytest.raises(ValueError, match='cannot be read'):
            build_estimator(f'uftsn_small:{tmp_path / name}')
    assert not trace.exists()


def test_what_has_no_weights_takes_no_checkpoint(tmp_path):
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='TVL1FlowEstimator has no weights'):
        build_estimator(f'tvl1:{tmp_path / "a.pth"}')
