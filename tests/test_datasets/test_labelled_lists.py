# SPDX-License-Identifier: Apache-2.0
"""Lists and configs of own videos load as they are."""
import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config

from uftsn_mmaction.datasets.labelled_lists import write_labelled_lists
from uftsn_mmaction.datasets.labelled_videos import find_labelled_videos
from uftsn_mmaction.datasets.motion.video_writer import write_video
from uftsn_mmaction.datasets.starter_configs import write_starter_configs

CLASSES = ['jump ü', 'run']


@pytest.fixture
def own_videos(tmp_path):
    """A folder of four good videos and three that cannot be listed."""
    root = tmp_path / 'my videos'
    random = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for number in range(2):
            frames = random.integers(256, size=(12, 32, 40, 3), dtype='uint8')
            write_video(str(root / name / f'no {number}.avi'), frames)
    write_video(str(root / 'run' / 'short.avi'), frames[:5])
    (root / 'run' / 'text.mp4').write_text('no video')
    (root / 'run' / 'a\tb.avi').write_bytes(
        (root / 'run' / 'no 1.avi').read_bytes())
    return root


@pytest.fixture
def out(own_videos, tmp_path):
    """Folder of the lists."""
    return str(tmp_path / 'my lists')


@pytest.fixture
def lists(own_videos, out):
    root = str(own_videos)
    return write_labelled_lists(find_labelled_videos(root), root, out)


def test_what_cannot_be_used_is_left_out(lists):
    assert lists.classes == CLASSES
    for part in ('train', 'test'):
        assert lists.counts[part] == dict.fromkeys(CLASSES, 1)
    assert sorted(lists.left_out) == [
        'run/a\tb.avi', 'run/short.avi', 'run/text.mp4'
    ]
    assert '5' in lists.left_out['run/short.avi']


def test_configs_load_the_lists(lists, own_videos, out, repo_root):
    files = write_starter_configs(
        out, str(repo_root / 'configs'), str(own_videos), 2)
    assert [file.parent.name for file in files] == ['configs'] * 4
    listed = []
    for loader in ('train', 'test'):
        cfg = Config.fromfile(str(files[1]))
        assert cfg.model.cls_head.num_classes == 2
        dataset = DATASETS.build(cfg[f'{loader}_dataloader'].dataset)
        assert len(dataset) == 2
        for index, label in enumerate((0, 1)):
            info = dataset.get_data_info(index)
            assert info['label'] == label
            listed.append(info['filename'])
    assert sorted(listed) == sorted(
        str(own_videos / name / f'no {i}.avi') for name in CLASSES
        for i in range(2))


def test_labels_keep_their_meaning(lists, own_videos, out):
    root = str(own_videos)
    (own_videos / 'run').rename(own_videos / 'climb')
    with pytest.raises(ValueError, match='classes.txt'):
        write_labelled_lists(find_labelled_videos(root), root, out)


def test_a_class_without_a_sound_video_is_named(own_videos, out):
    root = str(own_videos)
    for number in range(2):
        (own_videos / CLASSES[0] / f'no {number}.avi').write_text('no video')
    with pytest.raises(ValueError, match="'jump ü'"):
        write_labelled_lists(find_labelled_videos(root), root, out)


def test_one_class_is_too_few(own_videos, out):
    root = str(own_videos / 'run')
    videos = find_labelled_videos(str(own_videos))
    with pytest.raises(ValueError, match="'run'"):
        write_labelled_lists([video for video in videos
                              if video.label == 'run'], root, out)


def test_a_path_that_a_config_would_change(lists, out, repo_root):
    with pytest.raises(ValueError, match='rename'):
        write_starter_configs(out, str(repo_root / 'configs'), '/a{{b}}', 2)
