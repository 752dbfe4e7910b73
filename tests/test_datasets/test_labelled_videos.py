# SPDX-License-Identifier: Apache-2.0
"""Classes come from folders or a table, and groups stay together."""
from collections import Counter

import pytest

from uftsn_mmaction.datasets.labelled_videos import (
    LabelledVideo,
    find_labelled_videos,
    read_labelled_videos,
    split_videos,
)


@pytest.fixture
def make_files(tmp_path):
    """Function that makes empty files and returns their folder."""

    def make(*names):
        for name in names:
            path = tmp_path / 'videos' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return str(tmp_path / 'videos')

    return make


@pytest.fixture
def write_table(tmp_path):
    """Function that writes a table and returns its path."""

    def write(text):
        path = tmp_path / 'table.csv'
        path.write_text(text, 'utf-8')
        return str(path)

    return write


def test_class_is_a_folder_of_the_path(make_files):
    root = make_files('a/run fast/1.AVI', 'b/wälk/2.m4v', 'b/wälk/notes.txt')
    assert find_labelled_videos(root) == [
        ('a/run fast/1.AVI', 'run fast', 'a/run fast/1.AVI', None),
        ('b/wälk/2.m4v', 'wälk', 'b/wälk/2.m4v', None)
    ]
    assert [video.label for video in find_labelled_videos(root, 0)
            ] == ['a', 'b']


def test_group_is_what_the_expression_finds(make_files):
    root = make_files('run/x_g01_c1.avi', 'run/x_g02_c1.avi')
    for pattern, groups in ((r'_g(\d+)_', ['01', '02']), ('_g', ['_g', '_g'])):
        found = find_labelled_videos(root, group=pattern)
        assert [video.group for video in found] == groups
    for pattern in ('_h', '('):
        with pytest.raises(ValueError, match='group'):
            find_labelled_videos(root, group=pattern)


def test_folders_without_videos_or_classes(make_files, tmp_path):
    with pytest.raises(FileNotFoundError, match='none'):
        find_labelled_videos(str(tmp_path / 'none'))
    with pytest.raises(FileNotFoundError, match='no video'):
        find_labelled_videos(make_files('run/notes.txt'))
    with pytest.raises(ValueError, match="'1.avi'"):
        find_labelled_videos(make_files('1.avi'))


@pytest.mark.parametrize('text', [
    'video,label,split\n"a, b.avi",run,train\nc.avi,"wa;lk",\n',
    'label;split;video\nrun;train;a, b.avi\n"wa;lk";;c.avi\n',
    '\ufeffvideo\tlabel\tsplit\r\na, b.avi\trun\ttrain\r\nc.avi\twa;lk\t\r\n',
], ids=['commas', 'semicolons', 'tabs'])
def test_table(write_table, text):
    assert read_labelled_videos(write_table(text)) == [
        ('a, b.avi', 'run', 'a, b.avi', 'train'),
        ('c.avi', 'wa;lk', 'c.avi', None)
    ]


@pytest.mark.parametrize('text', [
    '', 'video,label\n', 'file,label\na,b\n', 'video,label\na.avi\n',
    'video,label\n,run\n', 'video,label,split\na.avi,run,val\n',
    'video,label\na.avi,run\na.avi,walk\n'
])
def test_table_with_a_gap(write_table, text):
    with pytest.raises(ValueError, match='table.csv'):
        read_labelled_videos(write_table(text))


def test_each_class_is_split_alone():
    videos = [LabelledVideo(f'{label}{i}', label, f'{label}{i}')
              for label, number in (('a', 50), ('b', 5), ('c', 2))
              for i in range(number)]
    parts = split_videos(videos, 0.2)
    assert Counter(video.label for video in parts['test']) == dict(
        a=10, b=1, c=1)
    assert sorted(parts['train'] + parts['test']) == sorted(videos)
    assert split_videos(videos, 0.2) == parts
    assert split_videos(videos, 0.2, seed=1) != parts


def test_groups_stay_together_across_classes():
    # Five people, each of whom does everything.
    videos = [LabelledVideo(f'{label}/{who}{i}', label, who)
              for label in 'ab' for who in 'vwxyz' for i in range(3)]
    for seed in range(5):
        parts = split_videos(videos, 0.2, seed)
        people = {part: {video.group for video in members}
                  for part, members in parts.items()}
        assert len(people['test']) == 1 and len(people['train']) == 4
        assert not people['test'] & people['train']


def test_given_splits_are_kept():
    videos = [LabelledVideo(f'{i}', 'a', f'{i}', split)
              for i, split in enumerate(['test', 'train', None, None, None])]
    parts = split_videos(videos, 0.2)
    assert parts['test'] == videos[:1]
    with pytest.raises(ValueError, match="'g'"):
        split_videos([LabelledVideo('1', 'a', 'g', 'test'),
                      LabelledVideo('2', 'a', 'g', 'train')])


@pytest.mark.parametrize('members', [
    [('1', 'a', 'g'), ('2', 'a', 'g')],
    [('1', 'a', '1')],
    [('1', 'a', '1', 'test'), ('2', 'a', '2', 'test')],
])
def test_a_class_needs_both_parts(members):
    with pytest.raises(ValueError, match="class 'a'"):
        split_videos([LabelledVideo(*member) for member in members])
