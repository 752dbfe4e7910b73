# SPDX-License-Identifier: Apache-2.0
"""Videos of a folder: found without a list, split by their names."""
import numpy as np
import pytest

from uftsn_mmaction.datasets import VideoFolderDataset
from uftsn_mmaction.datasets.motion.video_writer import write_video

PIPELINE = [
    dict(type='DecordPathInit'),
    dict(type='SampleFrames', clip_len=2),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')
]


def names(root, split, **kwargs):
    """Paths in the folder of the videos of a split."""
    dataset = VideoFolderDataset(str(root), [], split=split, **kwargs)
    return {
        dataset.get_data_info(index)['filename'].removeprefix(f'{root}/')
        for index in range(len(dataset))
    }


@pytest.fixture
def root(tmp_path):
    """Twenty empty files named like videos, at several depths."""
    for index in range(20):
        folder = tmp_path / ('a b' if index % 2 else 'c/d')
        folder.mkdir(parents=True, exist_ok=True)
        suffix = ('.mp4', '.AVI', '.MoV', '.webm')[index % 4]
        (folder / f'{index} ü{suffix}').touch()
    (tmp_path / 'notes.txt').touch()
    (tmp_path / '.hidden.mp4').touch()
    return tmp_path


def test_each_video_is_in_one_split(root):
    train, val = names(root, 'train'), names(root, 'val')
    assert len(train) == 18 and len(val) == 2
    assert train.isdisjoint(val)
    assert train | val == {
        str(path.relative_to(root))
        for path in root.rglob('* ü*')
    }
    assert len(names(root, 'val', val_share=0.5)) == 10


def test_the_split_depends_on_the_names_alone(root, tmp_path_factory):
    moved = tmp_path_factory.mktemp('moved') / 'videos'
    val = names(root, 'val')
    root.rename(moved)
    assert names(moved, 'val') == val


def test_a_video_comes_without_a_label(tmp_path):
    for name, value in (('a', 10), ('b', 200)):
        frames = np.full((3, 32, 32, 3), value, np.uint8)
        write_video(str(tmp_path / f'{name}.avi'), frames)
    train, val = (VideoFolderDataset(str(tmp_path), PIPELINE, split=split)
                  for split in ('train', 'val'))
    assert len(train) == len(val) == 1
    seen = {round(float(split[0]['inputs'].float().mean()), -1)
            for split in (train, val)}
    assert seen == {10, 200}
    assert train[0]['data_samples'].gt_label.item() == -1


@pytest.mark.parametrize('arguments, error, word', [
    (dict(video_root='none'), FileNotFoundError, 'none'),
    (dict(val_share=0.), ValueError, 'val_share'),
    (dict(split='test'), ValueError, 'split'),
    (dict(suffixes=['.gif']), ValueError, r'0 videos \(\.gif\)'),
])
def test_bad_arguments_are_refused(root, arguments, error, word):
    with pytest.raises(error, match=word):
        VideoFolderDataset(**{
            'video_root': str(root),
            'pipeline': [],
            **arguments
        })


def test_what_cannot_be_used_is_named_once_and_left_out(tmp_path, monkeypatch):
    for index in range(4):
        write_video(str(tmp_path / f'{index}.avi'),
                    np.zeros((3, 32, 32, 3), np.uint8))
    write_video(str(tmp_path / 'short.avi'),
                np.zeros((1, 32, 32, 3), np.uint8))
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    said = []
    monkeypatch.setattr('uftsn_mmaction.datasets.bad_videos.print_log',
                        lambda text, **kwargs: said.append(text))
    found = [
        VideoFolderDataset(str(tmp_path), PIPELINE, split=split,
                           test_mode=split == 'val')
        for split in ('train', 'val')
    ]
    assert [len(split) for split in found] == [3, 1]
    assert len(said) == 2
    for name, reason in (('short.avi', 'it has 1 frames, expected 2 or more'),
                         ('broken.mp4', '')):
        line, = (line for line in said if name in line)
        assert reason in line


def test_one_video_that_can_be_used_is_too_few(tmp_path):
    write_video(str(tmp_path / '0.avi'), np.zeros((3, 32, 32, 3), np.uint8))
    write_video(str(tmp_path / '1.avi'), np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(ValueError, match='only 1 of the videos'):
        VideoFolderDataset(str(tmp_path), PIPELINE)
