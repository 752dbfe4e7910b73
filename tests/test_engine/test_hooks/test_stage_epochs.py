# SPDX-License-Identifier: Apache-2.0
import pytest
from mmengine.config import Config

from uftsn_mmaction.engine.hooks.stage import stage_epochs


@pytest.fixture
def build():
    """Function that builds a config with begins of its stages."""

    def build(max_epochs, by_epoch=True, **begins):
        hook = dict(
            type='StagedTrainingHook',
            by_epoch=by_epoch,
            stages=[dict(name=name, begin=begins[name]) for name in begins])
        return Config(
            dict(
                custom_hooks=[dict(type='EpochSeedHook'), hook],
                train_cfg=dict(max_epochs=max_epochs)))

    return build


def test_epochs_are_those_of_checkpoints(build):
    epochs = stage_epochs(build(9, flow=0, classifier=4, joint=7))
    assert {name: list(found) for name, found in epochs.items()} == dict(
        flow=[1, 2, 3, 4], classifier=[5, 6, 7], joint=[8, 9])


@pytest.mark.parametrize('max_epochs', [4, 7])
def test_each_stage_needs_an_epoch(build, max_epochs):
    with pytest.raises(ValueError, match=f'max_epochs={max_epochs}'):
        stage_epochs(build(max_epochs, flow=0, classifier=4, joint=7))


@pytest.mark.parametrize('settings', [
    dict(max_epochs=9, flow=0, joint=4),
    dict(max_epochs=9, by_epoch=False, flow=0, classifier=4, joint=7),
    dict(max_epochs=None, flow=0, classifier=4, joint=7),
])
def test_other_stages_are_refused(build, settings):
    with pytest.raises(ValueError, match="expected .*'classifier'"):
        stage_epochs(build(**settings))
