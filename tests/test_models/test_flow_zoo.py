# SPDX-License-Identifier: Apache-2.0
"""Estimators by name, config and checkpoint."""
import sys

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator
from uftsn_mmaction.models.flow_zoo import (
    COMPARED,
    ESTIMATORS,
    build_estimator,
    build_estimators,
    estimator_config,
    has_random_weights,
)
from uftsn_mmaction.models.other_flows import (
    DISFlowEstimator,
    TVL1FlowEstimator,
    TVNetFlowEstimator,
    ZeroFlowEstimator,
)


def shapes(estimator):
    return {
        name: tuple(value.shape)
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


def test_names_are_the_methods_they_promise():
    small = build_estimator('tvl1_fast')
    assert isinstance(small, TVL1FlowEstimator)
    assert small.settings == TVL1FlowEstimator(preset='fast').settings
    assert build_estimator(
        'tvl1').settings == TVL1FlowEstimator().settings != small.settings
    for name, preset in (('dis', 'medium'), ('dis_fast', 'fast')):
        solver = build_estimator(name)
        assert isinstance(solver, DISFlowEstimator)
        assert solver.extra_repr() == DISFlowEstimator(
            preset=preset).extra_repr()
    assert isinstance(build_estimator('tvnet'), TVNetFlowEstimator)
    assert next(build_estimator('tvnet').parameters(), None) is None
    assert shapes(build_estimator('uftsn')) == shapes(
        UnsupervisedFlowEstimator())
    # A registered type.
    assert isinstance(build_estimator('DISFlowEstimator'), DISFlowEstimator)


def test_tvnet_has_the_settings_of_opencv():
    ours = build_estimator('tvnet_opencv')
    theirs = build_estimator('tvl1').settings
    for name in ('num_scales', 'num_warps', 'scale_step', 'median_filtering'):
        assert getattr(ours, name) == theirs[name], name
    weights = [theirs[name] for name in ('tau', 'lambda_', 'theta')]
    assert ours.log_weights.exp().tolist() == pytest.approx(weights)


@pytest.mark.parametrize('name', COMPARED)
def test_what_is_compared_by_default_can_be_built(name):
    if name not in ESTIMATORS:
        pytest.importorskip('ptlflow')
    assert callable(build_estimator(name).forward)


def test_small_plan_is_that_of_the_config(repo_root):
    path = repo_root / 'configs' / '_base_' / 'models' / 'uftsn_small_r18.py'
    cfg = Config.fromfile(path).model.flow_estimator
    assert shapes(build_estimator('uftsn_small')) == shapes(MODELS.build(cfg))


def test_configs_are_free_to_change():
    estimator_config('uftsn_small')['plan'] = 'uftsn'
    assert estimator_config('uftsn_small')['plan'] == 'uftsn_small'
    assert 'dis' in ESTIMATORS


def test_evaluation_mode_is_on():
    assert not build_estimator('uftsn_small').training


def test_config_file_gives_its_flow_estimator(tmp_path, trained):
    path = tmp_path / 'stream.py'
    path.write_text(
        'model = dict(type="UFTSNRecognizer", flow_estimator=dict('
        'type="TVL1FlowEstimator", num_warps=3), backbone=None)')
    estimator = build_estimator(str(path))
    assert estimator.settings['num_warps'] == 3
    assert not has_random_weights(str(path), estimator)


def test_named_initial_weights_of_a_config_are_loaded(tmp_path, trained):
    torch.save(trained.state_dict(), tmp_path / 'a.pth')
    cfg = dict(
        estimator_config('uftsn_small'),
        type='InitializedEstimator',
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth')))
    path = tmp_path / 'stream.py'
    path.write_text(f'model = dict(flow_estimator={cfg!r})')

    class InitializedEstimator(UnsupervisedFlowEstimator):

        def __init__(self, init_cfg, **kwargs):
            super().__init__(**kwargs)
            self.init_cfg = init_cfg

    try:
        MODELS.register_module(module=InitializedEstimator)
        loaded = build_estimator(str(path))
        assert not has_random_weights(str(path), loaded)
    finally:
        MODELS.module_dict.pop('InitializedEstimator')
    assert equal(loaded, trained)


def test_only_learned_weights_that_nobody_named_are_random():
    random = {
        name
        for name in ESTIMATORS
        if has_random_weights(name, build_estimator(name))
    }
    assert random == {'uftsn', 'uftsn_small'}


def test_weights_of_tvnet_start_as_those_of_tvl1(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict('
                    'type="TVNetFlowEstimator", learnable=True))')
    estimator = build_estimator(str(path))
    assert next(estimator.parameters(), None) is not None
    assert not has_random_weights(str(path), estimator)


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


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="config '.*none.py' of"):
        build_estimator(str(tmp_path / 'none.py'))
    with pytest.raises(FileNotFoundError, match="none.pth' of 'uftsn_small:"):
        build_estimator(f'uftsn_small:{tmp_path / "none.pth"}')


def test_a_config_without_estimator_is_refused(repo_root):
    path = repo_root / 'configs' / 'tsn_r18_quickstart.py'
    with pytest.raises(ValueError, match='has no model.flow_estimator'):
        build_estimator(str(path))


@pytest.mark.parametrize('name', ['farneback', 'NoSuchEstimator', 'TVL1'])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"'{name}' is unknown") as info:
        build_estimator(name)
    for known in (*ESTIMATORS, 'DISFlowEstimator', 'CONFIG.py', 'ptlflow'):
        assert known in str(info.value)


def test_an_unknown_type_of_a_config_is_named(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict(type="NoSuch"))')
    with pytest.raises(ValueError, match="'NoSuch' is unknown"):
        build_estimator(str(path))


def test_a_type_that_needs_arguments_sends_to_a_config():
    with pytest.raises(ValueError, match='name a config file'):
        build_estimator('ResNet')


def test_a_type_that_is_no_estimator_is_refused(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict(type="ResNet", '
                    'depth=18, pretrained=None))')
    with pytest.raises(ValueError, match='ResNet.*FlowEstimator'):
        build_estimator(str(path))


class StubOfPTLFlow(ZeroFlowEstimator):
    """Keeps its arguments; has a weight, as all models of ptlflow."""

    def __init__(self, model, checkpoint):
        super().__init__()
        self.args = (model, checkpoint)
        self.weight = torch.nn.Parameter(torch.zeros(1))


@pytest.fixture
def fake_ptlflow(tmp_path, monkeypatch):
    """A library with two models, one of them with a name of ours."""
    (tmp_path / 'ptlflow.py').write_text(
        'def get_model_names():\n    return ["fakenet", "tvl1"]\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'ptlflow', raising=False)
    monkeypatch.setitem(MODELS.module_dict, 'PTLFlowEstimator', StubOfPTLFlow)
    yield
    sys.modules.pop('ptlflow', None)


def test_other_names_are_models_of_ptlflow(fake_ptlflow):
    estimator = build_estimator('fakenet')
    assert estimator.args == ('fakenet', None)
    assert has_random_weights('fakenet', estimator)
    # Which knows the names and formats of published weights.
    estimator = build_estimator('fakenet:things')
    assert estimator.args == ('fakenet', 'things')
    assert not has_random_weights('fakenet:things', estimator)


def test_names_of_ours_come_before_those_of_ptlflow(fake_ptlflow):
    assert isinstance(build_estimator('tvl1'), TVL1FlowEstimator)
    with pytest.raises(ValueError, match=r'ptlflow \(fakenet, tvl1\)'):
        build_estimator('fakenets')


def test_models_of_ptlflow_need_it(monkeypatch):
    monkeypatch.setattr('uftsn_mmaction.models.flow_zoo.find_spec',
                        lambda name: None)
    with pytest.raises(ValueError, match='pip install .*ptlflow'):
        build_estimator('raft_small')
