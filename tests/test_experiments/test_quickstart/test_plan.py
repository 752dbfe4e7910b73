# SPDX-License-Identifier: Apache-2.0
"""The plan follows from the configs, and finds early what is wrong."""
import pytest
from mmaction.registry import MODELS
from mmengine.config import Config

from uftsn_mmaction.engine.hooks.stage import stage_configs
from uftsn_mmaction.experiments.quickstart.plan import LOADERS
from uftsn_mmaction.models.other_flows import RefinedFlowEstimator


@pytest.fixture
def stages(stage_option):
    """Options for stages of four, three and two epochs."""
    return {
        'train_cfg.max_epochs': 9,
        'train_cfg.val_interval': 2,
        **stage_option('classifier', 4),
        **stage_option('joint', 7)
    }


@pytest.fixture
def plan(read_plan, stages):
    return read_plan(stages)


def test_the_last_epoch_is_validated_at_any_interval(plan):
    assert [e for e in range(1, 10) if plan.validates(e)] == [2, 4, 6, 8, 9]


def test_intervals_may_change_on_the_way(read_plan):
    # As shipped: every third epoch of stage 1, then every one.
    plan = read_plan()
    assert [e for e in range(1, 16) if plan.validates(e)
            ] == [3, 6, 9, 10, 11, 12, 13, 14, 15]


def test_each_stage_needs_a_validation(read_plan, stages):
    with pytest.raises(ValueError, match="'flow'.*val_interval"):
        read_plan({**stages, 'train_cfg.val_begin': 5})


def test_control_of_a_start_from_the_box_is_random(read_plan, repo_root):
    config = str(repo_root / 'configs' / 'uftsn_plus_quickstart.py')
    plan = read_plan(config=config)
    control, start = (
        MODELS.build(cfg.model).flow_estimator
        for cfg in (plan.control_config(), plan.start_config()))
    assert control.has_random_weights and not start.has_random_weights
    shapes = [{name: value.shape for name, value in net.state_dict().items()}
              for net in (control, start)]
    # The control has no refinement, which finds motion by itself.
    assert not isinstance(control, RefinedFlowEstimator)
    assert shapes[0] == shapes[1]


def test_control_differs_in_the_stages_only(plan):
    control, cfg = plan.control_config(), plan.motion
    _, classifier, joint = stage_configs(cfg)
    first, second = stage_configs(control)
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
    assert len(stage_configs(cfg)) == 3
    assert cfg.val_cfg is not None


def test_configs_survive_their_files(plan, tmp_path):
    for cfg in (plan.motion, plan.control_config(), plan.spatial):
        cfg.dump(tmp_path / 'cfg.py')
        found = Config.fromfile(str(tmp_path / 'cfg.py')).to_dict()
        assert found == cfg.to_dict()


# Some of them DictAction would change or split.
@pytest.mark.parametrize('data_root',
                         ['some/videos', 'my videos', 'a,b', '"quoted"'])
def test_data_root_reaches_every_loader(read_plan, data_root):
    plan = read_plan(data_root=data_root)
    for name in LOADERS:
        for cfg in (plan.motion, plan.spatial):
            assert cfg[name].dataset.data_root == data_root
        assert plan.options[f'{name}.dataset.data_root'] == data_root
    dataset = plan.fusion.test_dataloader.dataset
    assert dataset.data_root == data_root


def test_streams_see_the_same_videos(read_plan, tiny_options):
    plan = read_plan({**tiny_options, 'randomness.seed': 7})
    for name in LOADERS:
        dataset, motion = plan.spatial[name].dataset, plan.motion[name].dataset
        assert dataset.generator == motion.generator
        assert dataset.generator.num_train == 16
        assert dataset.split == motion.split
    assert plan.spatial.randomness.seed == 7
    assert plan.fusion.test_dataloader == plan.motion.test_dataloader
    # What the file says of frames stays.
    assert plan.fusion.model.streams.spatial.frames == 3


def test_settings_of_all_streams_count(read_plan):
    for part in ('motion', 'spatial', 'fusion'):
        plan = read_plan()
        before = plan.settings()
        assert before == read_plan().settings()
        getattr(plan, part).some_setting = 1
        assert plan.settings() != before


def test_missing_config(read_plan):
    with pytest.raises(FileNotFoundError):
        read_plan(config='configs/none.py')


@pytest.mark.parametrize('change, words', [
    ('custom_hooks = []\ndefault_hooks = dict(_delete_=True)',
     'StagedTrainingHook'),
    ("test_evaluator = [dict(type='AccMetric')]",
     'test_evaluator .*EndPointError'),
    ("val_evaluator = dict(_delete_=True, type='AccMetric')",
     'val_evaluator .*EndPointError'),
])
def test_config_that_the_report_cannot_use(read_plan, config_file, tmp_path,
                                           change, words):
    path = tmp_path / 'other.py'
    path.write_text(f'_base_ = [{config_file!r}]\n{change}\n')
    with pytest.raises(ValueError, match=words):
        read_plan(config=str(path))


@pytest.mark.parametrize('change, words', [
    ('model = dict(streams=dict(third=dict()))', 'model.streams .*third'),
    ('model = dict(streams=dict(spatial=dict(model=OTHER)))',
     'num_classes is 5 .* 16 '),
])
def test_fusion_that_the_report_cannot_use(read_plan, fusion_file, repo_root,
                                           tmp_path, change, words):
    other = str(repo_root / 'configs' / 'tsn_r18_ucf101_subset.py')
    path = tmp_path / 'other.py'
    path.write_text(f'_base_ = [{fusion_file!r}]\n'
                    + change.replace('OTHER', repr(other)))
    with pytest.raises(ValueError, match=words):
        read_plan(fusion=str(path))
