# SPDX-License-Identifier: Apache-2.0
"""Settings of the stages, right and wrong ones."""
import dataclasses
import re

import pytest
from mmengine.config import Config

from uftsn_mmaction.engine.hooks.stage import (
    Stage,
    build_stages,
    stage_configs,
    staged_hook,
)


def build(**config):
    return Stage.from_config(config)


@pytest.mark.parametrize('name, train, losses', [
    ('flow', {'flow_estimator'}, dict(flow=1.0)),
    ('classifier', {'backbone', 'neck', 'cls_head'}, dict(cls=1.0)),
    ('joint', {'flow_estimator', 'backbone', 'neck', 'cls_head'},
     dict(cls=1.0, flow=0.1)),
])
def test_names_of_the_paper_are_known(name, train, losses):
    stage = build(name=name, begin=3)
    assert stage.begin == 3 and stage.lr is None and not stage.detach_flow
    assert set(stage.train) == train
    assert stage.losses == losses


def test_settings_go_before_the_name():
    stage = build(
        name='joint', begin=0, losses=dict(cls=1.), lr=0.1, detach_flow=True)
    assert stage.losses == dict(cls=1.)
    assert 'flow_estimator' in stage.train
    assert stage.lr == 0.1 and stage.detach_flow


def test_a_name_of_its_own():
    stage = build(
        name='warm_up', begin=0, train='cls_head', losses=dict(cls=2.))
    assert stage.train == ('cls_head', ) and stage.losses == dict(cls=2.)


def test_stages_do_not_share_their_settings():
    config = dict(name='joint', begin=0)
    first, second = Stage.from_config(config), Stage.from_config(config)
    first.losses['flow'] = 5.
    assert second.losses == build(name='joint', begin=0).losses
    assert second.losses['flow'] == 0.1
    assert config == dict(name='joint', begin=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.begin = 7


def test_rate_of_a_part():
    assert build(name='flow', begin=0).rate_of('backbone', 0.3) == 0.3
    assert build(name='flow', begin=0, lr=0.1).rate_of('backbone', 0.3) == 0.1
    each = build(name='flow', begin=0, lr=dict(backbone=0.2))
    assert each.rate_of('backbone', 0.3) == 0.2
    assert each.rate_of('cls_head', 0.3) == 0.3


@pytest.mark.parametrize('config, words', [
    (dict(name='flow', begin=0, rate=1, lrs=2),
     ['detach_flow', "['lrs', 'rate']"]),
    (dict(begin=0), ['name', "{'begin': 0}"]),
    (dict(name='flow'), ['begin', "{'name': 'flow'}"]),
    (dict(name='flow', begin=-1), ['begin', "'flow'", '-1']),
    (dict(name='flow', begin=1.5), ['begin', "'flow'", '1.5']),
    (dict(name='flow', begin='1'), ['begin', "'flow'", "'1'"]),
    (dict(name='flow', begin=0, losses=['cls']),
     ['losses', "'flow'", "['cls']"]),
    (dict(name='flow', begin=0, lr=0), ['lr', "'flow'", '0']),
    (dict(name='flow', begin=0, lr=dict(backbone=1., cls_head=-1.)),
     ['lr', "'flow'", "'cls_head': -1.0"]),
])
def test_stages_it_refuses(config, words):
    with pytest.raises(ValueError) as caught:
        Stage.from_config(config)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize('config, setting', [
    (dict(name='warm_up', train=['backbone']), 'losses'),
    (dict(name='warm_up', losses=dict(cls=1.)), 'train'),
    (dict(name='flow', train=[]), 'train'),
    (dict(name='flow', losses={}), 'losses'),
])
def test_a_stage_without_parts_or_losses_is_refused(config, setting):
    with pytest.raises(ValueError, match=repr(config['name'])) as caught:
        build(begin=0, **config)
    # The cure names both settings, after the one that is wrong.
    assert re.findall('train|losses', str(caught.value))[0] == setting
    if config['name'] == 'warm_up':
        assert str(('flow', 'classifier', 'joint')) in str(caught.value)


@pytest.mark.parametrize('begins', [(), (1, ), (0, 0), (0, 5, 3), (2, 0)])
def test_orders_it_refuses(begins):
    configs = [dict(name='flow', begin=begin) for begin in begins]
    with pytest.raises(ValueError, match='begin') as caught:
        build_stages(configs)
    assert str(list(begins)) in str(caught.value)


def test_stages_in_order():
    stages = build_stages([
        dict(name='flow', begin=0),
        dict(name='classifier', begin=4),
        dict(name='joint', begin=6)
    ])
    assert [(s.name, s.begin) for s in stages] == [('flow', 0),
                                                   ('classifier', 4),
                                                   ('joint', 6)]


def test_stages_by_name_run_in_order_of_begin():
    """The dict of a derived config has its additions last."""
    config = dict(
        joint=dict(begin=6),
        classifier=None,
        flow=dict(begin=0),
        warm_up=dict(begin=4, name='warm_up', train='cls_head',
                     losses=dict(cls=1.)))
    stages = build_stages(config)
    assert [(s.name, s.begin) for s in stages] == [('flow', 0),
                                                   ('warm_up', 4),
                                                   ('joint', 6)]
    assert 'name' not in config['joint']


@pytest.mark.parametrize('stages, words', [
    (dict(flow=None), ['begin=[]']),
    (dict(flow=dict(begin=0), joint=dict(begin=0)), ['begin=[0, 0]']),
    (dict(flow=dict(begin=3)), ['begin=[3]']),
    (dict(flow=dict(begin='0')), ["'flow'", "'0'"]),
    (dict(flow=dict()), ["'flow'", 'begin']),
    (dict(flow=dict(begin=0, name='joint')), ["'flow'", "'joint'"]),
    # One stage in the place of all of them.
    (dict(name='flow', begin=0), ["'flow'", "'name'"]),
    ([5], ['5']),
])
def test_stages_by_name_that_it_refuses(stages, words):
    with pytest.raises(ValueError) as caught:
        build_stages(stages)
    assert all(word in str(caught.value) for word in words)


HOOK = dict(
    type='StagedTrainingHook',
    stages=dict(joint=dict(begin=3), flow=dict(begin=0, lr=1e-3)))
OTHER = dict(type='EpochSeedHook')


@pytest.mark.parametrize('hooks', [
    dict(default_hooks=dict(stages=HOOK, logger=None)),
    dict(default_hooks=dict(any_name=HOOK), custom_hooks=None),
    dict(custom_hooks=[OTHER, dict(HOOK, type='mmaction.' + HOOK['type'])]),
    dict(custom_hooks=[object(), dict(HOOK, stages=[
        dict(name='flow', begin=0, lr=1e-3), dict(name='joint', begin=3)])]),
])
def test_the_stages_of_a_config(hooks):
    cfg = Config(hooks)
    assert stage_configs(cfg) == [
        dict(name='flow', begin=0, lr=1e-3),
        dict(name='joint', begin=3)
    ]
    # A change reaches the config; one of the copies does not.
    stage_configs(cfg)[0].begin = 1
    staged_hook(cfg).stages = dict(flow=dict(begin=0))
    assert stage_configs(cfg) == [dict(name='flow', begin=0)]


@pytest.mark.parametrize('hooks', [
    dict(), dict(default_hooks=dict(other=OTHER), custom_hooks=[OTHER])])
def test_a_config_without_stages(hooks):
    with pytest.raises(ValueError, match='StagedTrainingHook'):
        staged_hook(Config(hooks))


def test_a_custom_hook_replaces_the_default_one():
    cfg = Config(
        dict(
            default_hooks=dict(stages=HOOK),
            custom_hooks=[dict(HOOK, stages=dict(flow=dict(begin=0)))]))
    assert stage_configs(cfg) == [dict(name='flow', begin=0)]
