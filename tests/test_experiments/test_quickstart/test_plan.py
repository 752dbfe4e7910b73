# SPDX-License-Identifier: Apache-2.0
"""The plan follows from the config alone, and says early what is wrong."""
import pytest
from mmengine.config import Config

from uftsn_mmaction.experiments.quickstart.plan import QuickstartPlan

STAGES = ('train_cfg.max_epochs=9', 'train_cfg.val_interval=2',
          'custom_hooks.1.stages.1.begin=4', 'custom_hooks.1.stages.2.begin=7')


@pytest.fixture
def plan(config_file):
    return QuickstartPlan.from_file(config_file, options=STAGES)


def test_epochs_are_those_of_checkpoints(plan):
    assert list(plan.epochs_of('flow')) == [1, 2, 3, 4]
    assert list(plan.epochs_of('classifier')) == [5, 6, 7]
    assert list(plan.epochs_of('joint')) == [8, 9]
    # The last epoch is validated, whatever the interval.
    assert [e for e in range(1, 10) if plan.validates(e)] == [2, 4, 6, 8, 9]


def test_intervals_may_change_on_the_way(config_file):
    plan = QuickstartPlan.from_file(config_file)
    # As shipped: every third epoch of stage 1, then every one.
    assert [e for e in range(1, 16) if plan.validates(e)
            ] == [3, 6, 9, 10, 11, 12, 13, 14, 15]


def test_stages_beyond_the_end_have_no_epochs(config_file):
    with pytest.raises(ValueError, match="Stage 'joint'.*val_interval"):
        QuickstartPlan.from_file(
            config_file, options=(*STAGES, 'train_cfg.max_epochs=7'))


def test_control_differs_in_the_stages_only(plan):
    control, cfg = plan.control_config(), plan.cfg
    _, classifier, joint = cfg.custom_hooks[1].stages
    first, second = control.custom_hooks[1].stages
    assert first == dict(classifier, begin=0)
    assert 'flow_estimator' not in [*second.train, *second.lr]
    assert second.begin == joint.begin - classifier.begin
    assert second.lr.backbone == joint.lr.backbone
    assert control.train_cfg.max_epochs == (
        cfg.train_cfg.max_epochs - classifier.begin)
    assert control.val_cfg is None
    for key in ('model', 'train_dataloader', 'test_dataloader',
                'optim_wrapper', 'randomness'):
        assert control[key] == cfg[key]
    # The config that the plan itself trains is as it was.
    assert len(cfg.custom_hooks[1].stages) == 3
    assert cfg.val_cfg is not None


def test_control_config_survives_its_file(plan, tmp_path):
    plan.control_config().dump(tmp_path / 'control.py')
    found = Config.fromfile(str(tmp_path / 'control.py')).to_dict()
    assert found == plan.control_config().to_dict()


def test_data_root_reaches_every_loader(config_file):
    plan = QuickstartPlan.from_file(config_file, data_root='some/videos')
    for name in ('train', 'val', 'test'):
        dataset = plan.cfg[f'{name}_dataloader'].dataset
        assert dataset.data_root == 'some/videos'
    # The trainer gets the same as options.
    assert sum('data_root=some/videos' in o for o in plan.options) == 3


@pytest.mark.parametrize('data_root', ['my videos', 'a,b', '"quoted"'])
def test_data_root_that_options_would_change(config_file, data_root):
    with pytest.raises(ValueError, match='choose a folder'):
        QuickstartPlan.from_file(config_file, data_root=data_root)


@pytest.mark.parametrize('option', ['train_cfg', '=3', ''])
def test_option_without_key_or_value(config_file, option):
    with pytest.raises(ValueError, match='expects key=value'):
        QuickstartPlan.from_file(config_file, options=[option])


def test_missing_config():
    with pytest.raises(FileNotFoundError):
        QuickstartPlan.from_file('configs/none.py')


@pytest.mark.parametrize('change, message', [
    ("custom_hooks = [dict(type='EpochSeedHook')]", 'one StagedTrainingHook'),
    ("test_evaluator = [dict(type='AccMetric')]", 'needs .*EndPointError'),
    ("val_evaluator = dict(_delete_=True, type='AccMetric')",
     'val_evaluator .*needs'),
    ("custom_hooks = [dict(type='StagedTrainingHook', stages=[dict("
     "name='flow', begin=0), dict(name='joint', begin=1)])]",
     'expected .*classifier'),
])
def test_config_that_the_report_cannot_use(config_file, tmp_path, change,
                                           message):
    path = tmp_path / 'other.py'
    path.write_text(f'_base_ = [{config_file!r}]\n{change}\n')
    with pytest.raises(ValueError, match=message):
        QuickstartPlan.from_file(str(path))
