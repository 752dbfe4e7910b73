# SPDX-License-Identifier: Apache-2.0
"""The folder of videos is one setting, also on the command line."""
import pytest
from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner


@pytest.fixture
def folders(repo_root, monkeypatch):
    """Function that returns the folder of each part under these options."""

    def folders(**options):
        seen = {}
        monkeypatch.setattr(Runner, '__init__',
                            lambda self, **kwargs: seen.update(kwargs))
        cfg = Config.fromfile(repo_root / 'configs' / 'flow_videos.py')
        cfg.merge_from_dict({'work_dir': 'run', **options})
        RUNNERS.build(cfg)
        # What the run dumps is what it did.
        assert seen['cfg'].train_dataloader == seen['train_dataloader']
        return [(seen[f'{part}_dataloader'] or {'dataset': None})['dataset']
                for part in ('train', 'val', 'test')]

    return folders


def test_the_command_line_names_the_folder_once(folders):
    assert {dataset.video_root for dataset in folders(video_root='mine')} == {
        'mine'}


def test_a_data_set_keeps_a_folder_of_its_own(folders):
    train, val, _ = folders(**{
        'video_root': 'mine', 'val_dataloader.dataset.video_root': 'other'})
    assert (train.video_root, val.video_root) == ('mine', 'other')


def test_other_data_sets_and_none_are_left_alone(folders):
    train, val, test = folders(**{
        'train_dataloader.dataset.type': 'CheckedVideoDataset',
        'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None})
    assert 'video_root' not in train and val is None and test.video_root
