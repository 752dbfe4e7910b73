# SPDX-License-Identifier: Apache-2.0
"""The spatial stream and the fusion follow the plan of the motion stream."""
from pathlib import Path

import pytest
from mmengine.config import Config

from uftsn_mmaction.experiments.quickstart.plan import LOADERS, QuickstartPlan
from uftsn_mmaction.experiments.quickstart.two_streams import TwoStreamPlan


@pytest.fixture
def plan(config_file, tiny_options):
    return QuickstartPlan.from_file(
        config_file, 'some/videos', [*tiny_options, 'randomness.seed=7'])


def test_streams_see_the_same_videos(plan, fusion_file):
    streams = TwoStreamPlan.from_file(plan, fusion_file)
    for name in LOADERS:
        dataset = streams.spatial[name].dataset
        assert dataset.data_root == 'some/videos'
        assert dataset.generator == plan.cfg[name].dataset.generator
        assert dataset.split == plan.cfg[name].dataset.split
    assert streams.spatial.randomness.seed == 7
    cfg = streams.fusion_config(Path('a.pth'), Path('b.pth'))
    assert cfg.test_dataloader == plan.cfg.test_dataloader
    assert cfg.model.streams.temporal.model == plan.cfg.model
    assert cfg.model.streams.spatial.model == streams.spatial.model
    assert [stream.checkpoint for stream in cfg.model.streams.values()
            ] == ['a.pth', 'b.pth']
    # What the file says of frames and weights stays.
    assert cfg.model.streams.spatial.frames == 3
    assert streams.fusion.model.streams.spatial.checkpoint != 'a.pth'


def test_spatial_config_survives_its_file(plan, fusion_file, tmp_path):
    streams = TwoStreamPlan.from_file(plan, fusion_file)
    streams.spatial.dump(tmp_path / 'spatial.py')
    found = Config.fromfile(str(tmp_path / 'spatial.py')).to_dict()
    assert found == streams.spatial.to_dict()


def test_settings_of_all_streams_count(plan, fusion_file):
    streams = TwoStreamPlan.from_file(plan, fusion_file)
    before = streams.to_json()
    streams.spatial.train_cfg.max_epochs += 1
    assert streams.to_json() != before


@pytest.mark.parametrize('change, message', [
    ('model = dict(streams=dict(third=dict()))', "the report needs 'spatial'"),
    ('model = dict(streams=dict(spatial=dict(model=OTHER)))',
     'has 5 classes, the motion stream .* 16'),
])
def test_fusion_that_the_report_cannot_use(plan, fusion_file, repo_root,
                                           tmp_path, change, message):
    other = str(repo_root / 'configs' / 'tsn_r18_ucf101_subset.py')
    path = tmp_path / 'other.py'
    path.write_text(f'_base_ = [{fusion_file!r}]\n'
                    + change.replace('OTHER', repr(other)))
    with pytest.raises(ValueError, match=message):
        TwoStreamPlan.from_file(plan, str(path))
