# SPDX-License-Identifier: Apache-2.0
"""Estimators by name, config and checkpoint."""
import pickle
import re
import sys

import pytest
import torch
from command_line import COMPARED
from hypothesis import example, given
from hypothesis import strategies as st
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.models.flow import UnsupervisedFlowEstimator
from uftsn_mmaction.models.flow_zoo import (
    ESTIMATORS,
    EstimatorSpec,
    build_estimator,
    short_names,
)
from uftsn_mmaction.models.other_flows import (
    DISFlowEstimator,
    RefinedFlowEstimator,
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
    EstimatorSpec.parse('uftsn_small').config['plan'] = 'uftsn'
    assert EstimatorSpec.parse('uftsn_small').config['plan'] == 'uftsn_small'
    assert 'dis' in ESTIMATORS


@pytest.mark.parametrize('text, config, checkpoint', [
    ('uftsn', ESTIMATORS['uftsn'], None),
    ('uftsn:a.pth', ESTIMATORS['uftsn'], 'a.pth'),
    ('uftsn:/b:c/a.pth', ESTIMATORS['uftsn'], '/b:c/a.pth'),
    ('dis:https://host/a.pth', ESTIMATORS['dis'], 'https://host/a.pth'),
    ('DISFlowEstimator', dict(type='DISFlowEstimator'), None),
    ('d/c.py', dict(type='DISFlowEstimator', preset='fast'), None),
    ('d/c.py:a.pth', dict(type='DISFlowEstimator', preset='fast'), 'a.pth'),
    ('x:y/c.py', dict(type='DISFlowEstimator', preset='fast'), None),
    ('x:y/c.py:z:a.pth', dict(type='DISFlowEstimator', preset='fast'),
     'z:a.pth'),
])
def test_a_specification_has_a_config_and_a_checkpoint(
        tmp_cwd, text, config, checkpoint):
    for folder in ('d', 'x:y'):
        (tmp_cwd / folder).mkdir()
        (tmp_cwd / folder / 'c.py').write_text(
            'model = dict(flow_estimator=dict('
            'type="DISFlowEstimator", preset="fast"))')
    spec = EstimatorSpec.parse(text)
    assert (spec.text, spec.config, spec.checkpoint) == (text, config,
                                                         checkpoint)


@pytest.mark.parametrize('text, bare, checkpoint', [
    ('dis+refined', 'dis', None),
    ('uftsn+refined:a.pth', 'uftsn', 'a.pth'),
    ('uftsn+refined:/b:c+refined.pth', 'uftsn', '/b:c+refined.pth'),
    ('DISFlowEstimator+refined', 'DISFlowEstimator', None),
    ('x:y/c.py+refined', 'x:y/c.py', None),
    ('x:y/c.py+refined:z:a.pth', 'x:y/c.py', 'z:a.pth'),
])
def test_any_specification_can_be_refined(tmp_cwd, text, bare, checkpoint):
    (tmp_cwd / 'x:y').mkdir()
    (tmp_cwd / 'x:y' / 'c.py').write_text(
        'model = dict(flow_estimator=dict(type="ZeroFlowEstimator"))')
    spec = EstimatorSpec.parse(text)
    assert spec.config == dict(
        type='RefinedFlowEstimator',
        flow_estimator=EstimatorSpec.parse(bare).config)
    assert (spec.text, spec.checkpoint) == (text, checkpoint)


def test_only_the_end_of_a_name_asks_for_refinement(tmp_cwd):
    path = tmp_cwd / 'a+refined.py'
    path.write_text(
        'model = dict(flow_estimator=dict(type="ZeroFlowEstimator"))')
    assert EstimatorSpec.parse(path.name).config == ESTIMATORS['zero']
    assert EstimatorSpec.parse('uftsn:a+refined').checkpoint == 'a+refined'
    for name in ('dis+refine', 'dis+refinedx'):
        with pytest.raises(ValueError, match=re.escape(f"'{name}' is unk")):
            EstimatorSpec.parse(name)


@pytest.mark.parametrize('text', ['', 'uftsn:', ':a.pth', 'd/c.py:',
                                  '+refined', '+refined:a.pth',
                                  'uftsn+refined:'])
def test_half_a_specification_is_refused(text):
    with pytest.raises(ValueError, match='CONFIG.py:CHECKPOINT') as info:
        EstimatorSpec.parse(text)
    assert f'{text!r}' in str(info.value)


def test_short_names_stay_apart():
    assert short_names(['zero', 'uftsn:x/a.pth', 'd/c.py:y/b.pth']) == [
        'zero', 'uftsn:a.pth', 'c.py:b.pth'
    ]
    assert short_names(['uftsn:x/a.pth', 'uftsn+refined:x/a.pth',
                        'd/c.py+refined']) == [
                            'uftsn:a.pth', 'uftsn+refined:a.pth',
                            'c.py+refined'
                        ]
    assert short_names(['uftsn:x/a.pth', 'uftsn:y/a.pth', 'd/c.py']) == [
        'uftsn:x/a.pth', 'uftsn:y/a.pth', 'c.py'
    ]
    with pytest.raises(ValueError, match="'dis'"):
        short_names(['dis', 'zero', 'dis'])


def test_evaluation_mode_is_on():
    assert not build_estimator('uftsn_small').training


def test_config_file_gives_its_flow_estimator(tmp_path, trained):
    path = tmp_path / 'stream.py'
    path.write_text(
        'model = dict(type="UFTSNRecognizer", flow_estimator=dict('
        'type="TVL1FlowEstimator", num_warps=3), backbone=None)')
    estimator = build_estimator(str(path))
    assert estimator.settings['num_warps'] == 3
    assert not estimator.has_random_weights


def test_named_initial_weights_of_a_config_are_loaded(tmp_path, trained):
    torch.save(trained.state_dict(), tmp_path / 'a.pth')
    cfg = dict(
        EstimatorSpec.parse('uftsn_small').config,
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
        loaded = [build_estimator(f'{path}{end}') for end in ('', '+refined')]
    finally:
        MODELS.module_dict.pop('InitializedEstimator')
    for estimator in loaded:
        assert equal(estimator, trained)
        assert not estimator.has_random_weights


def weights(estimator, prefix=''):
    return {
        prefix + name: value.clone()
        for name, value in estimator.state_dict().items()
    }


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
    assert not loaded.has_random_weights


def test_the_refined_estimator_takes_the_checkpoint_of_the_bare_one(
        tmp_path, trained):
    path = tmp_path / 'a.pth'
    torch.save(weights(trained, 'flow_estimator.'), path)
    refined = build_estimator(f'uftsn_small+refined:{path}')
    assert isinstance(refined, RefinedFlowEstimator)
    assert equal(refined, trained) and not refined.has_random_weights
    torch.save(weights(refined), path)
    assert equal(build_estimator(f'uftsn_small:{path}'), trained)
    assert build_estimator('uftsn_small+refined').has_random_weights
    assert not build_estimator('dis+refined').has_random_weights


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
        with pytest.raises(ValueError, match=name):
            build_estimator(f'uftsn_small:{tmp_path / name}')
    assert not trace.exists()


def test_what_has_no_weights_takes_no_checkpoint(tmp_path):
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='TVL1FlowEstimator'):
        build_estimator(f'tvl1:{tmp_path / "a.pth"}')


def test_only_learned_weights_that_nobody_named_are_random():
    random = {
        name
        for name in ESTIMATORS
        if build_estimator(name).has_random_weights
    }
    assert random == {'uftsn', 'uftsn_small'}


def test_weights_of_tvnet_start_as_those_of_tvl1(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict('
                    'type="TVNetFlowEstimator", learnable=True))')
    estimator = build_estimator(str(path))
    assert next(estimator.parameters(), None) is not None
    assert not estimator.has_random_weights


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.py'):
        build_estimator(str(tmp_path / 'none.py'))
    with pytest.raises(FileNotFoundError, match="none.pth' of 'uftsn_small:"):
        build_estimator(f'uftsn_small:{tmp_path / "none.pth"}')


def test_a_config_without_estimator_is_refused(repo_root):
    path = repo_root / 'configs' / 'tsn_r18_quickstart.py'
    with pytest.raises(ValueError, match='model.flow_estimator'):
        build_estimator(str(path))


@pytest.mark.parametrize('name', ['farneback', 'NoSuchEstimator', 'TVL1'])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"'{name}'") as info:
        build_estimator(name)
    for known in (*ESTIMATORS, 'DISFlowEstimator', 'CONFIG.py', 'ptlflow'):
        assert known in str(info.value)


def test_an_unknown_type_of_a_config_is_named(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict(type="NoSuch"))')
    with pytest.raises(ValueError, match="'NoSuch'"):
        build_estimator(str(path))


def test_a_type_that_needs_arguments_sends_to_a_config():
    with pytest.raises(ValueError, match='name a config file'):
        build_estimator('ResNet')


def test_a_type_that_is_no_estimator_is_refused(tmp_path):
    path = tmp_path / 'stream.py'
    path.write_text('model = dict(flow_estimator=dict(type="ResNet", '
                    'depth=18, pretrained=None))')
    for text in (str(path), f'{path}+refined'):
        with pytest.raises(ValueError, match='ResNet.*FlowEstimator'):
            build_estimator(text)


class StubOfPTLFlow(ZeroFlowEstimator):
    """Keeps its arguments; has a weight, as all models of ptlflow."""

    def __init__(self, model, checkpoint):
        super().__init__()
        self.args = (model, checkpoint)
        self.starts_random = checkpoint is None
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
    assert estimator.has_random_weights
    # Which knows the names and formats of published weights.
    estimator = build_estimator('fakenet:things')
    assert estimator.args == ('fakenet', 'things')
    assert not estimator.has_random_weights
    refined = build_estimator('fakenet+refined:things')
    assert refined.flow_estimator.args == ('fakenet', 'things')
    assert not refined.has_random_weights


def test_names_of_ours_come_before_those_of_ptlflow(fake_ptlflow):
    assert isinstance(build_estimator('tvl1'), TVL1FlowEstimator)
    with pytest.raises(ValueError, match=r'ptlflow \(fakenet, tvl1\)'):
        build_estimator('fakenets')


def test_models_of_ptlflow_need_it(monkeypatch):
    monkeypatch.setattr('uftsn_mmaction.models.flow_zoo.find_spec',
                        lambda name: None)
    with pytest.raises(ValueError, match='pip install .*ptlflow'):
        build_estimator('raft_small')


NAMES = st.sampled_from(['zero', 'tvl1', 'uftsn', 'UnsupervisedFlowEstimator'])
PARTS = st.lists(
    st.sampled_from([*'a:/+. =', '.py', '+refined', 'zero', 'uftsn', '\0',
                     'ä', '\n']), max_size=6).map(''.join)  # yapf: disable


@given(NAMES, st.booleans(),
       st.one_of(st.none(), PARTS.filter(lambda text: '\n' not in text)))
def test_a_specification_is_what_it_was_put_together_from(
        name, refined, checkpoint):
    text = name + '+refined' * refined
    if checkpoint:
        text += f':{checkpoint}'
    spec = EstimatorSpec.parse(text)
    assert spec.checkpoint == (checkpoint or None)
    assert (spec.config['type'] == 'RefinedFlowEstimator') == refined


@given(st.one_of(PARTS, st.text()))
@example('.py')
@example('a\0.py')
def test_any_other_text_is_refused_in_a_sentence(text):
    try:
        EstimatorSpec.parse(text)
    except (ValueError, FileNotFoundError) as error:
        assert '\n' not in str(error)
