# SPDX-License-Identifier: Apache-2.0
import runpy
import sys

import numpy as np
import pytest

from uftsn_mmaction.datasets import CheckedVideoDataset, official_splits
from uftsn_mmaction.datasets.annotations import (
    find_videos,
    prepare_annotations,
)
from uftsn_mmaction.datasets.motion.video_writer import write_video
from uftsn_mmaction.datasets.official_splits import OfficialCounts

SPLITS = {
    'classInd.txt': '1 Yo\n2 Archery\n',
    'trainlist01.txt': 'Archery/v_a1.avi 2\nYo/v_y1.avi 1\n',
    'testlist01.txt': 'Yo/v_y2.avi\n',
}
VIDEOS = ('Archery/v_a1.avi', 'Yo/v_y1.avi', 'Yo/v_y2.avi')
TRAIN, VAL = (f'ucf101_{part}_split_1_videos.txt' for part in ('train', 'val'))


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Writes the lists of three videos, of which those given exist."""
    monkeypatch.setitem(official_splits.COUNTS, 'ucf101',
                        OfficialCounts(2, ((2, 1), )))
    (tmp_path / 'splits').mkdir()
    for file, text in SPLITS.items():
        (tmp_path / 'splits' / file).write_text(text)
    (tmp_path / 'videos').mkdir()

    def prepare(*videos, **kwargs):
        touch(tmp_path / 'videos', *videos)
        return prepare_annotations('ucf101', str(tmp_path / 'splits'),
                                   str(tmp_path / 'videos'),
                                   str(tmp_path / 'out'), **kwargs)

    return prepare


def written(tmp_path):
    """Text of each file of the output folder."""
    return {path.name: path.read_text() for path in tmp_path.glob('out/*')}


def test_lists_have_labels_from_zero_in_official_order(prepare, tmp_path):
    lists = prepare(*VIDEOS)
    assert written(tmp_path) == {
        'classes.txt': 'Yo\nArchery\n',
        TRAIN: 'Archery/v_a1.avi 1\nYo/v_y1.avi 0\n',
        VAL: 'Yo/v_y2.avi 0\n',
    }
    assert [(item.path.name, item.videos, item.missing)
            for item in lists] == [(TRAIN, 2, 0), (VAL, 1, 0)]


def test_videos_of_other_extensions_are_written_as_they_are(prepare, tmp_path):
    prepare('Archery/v_a1.mp4', 'Yo/v_y1.AVI', 'Yo/v_y2.webm',
            # No videos, other videos, and one beside the official one.
            'Archery/v_a1.txt', 'Archery/v_a1.avi.part', 'Archery/v_a11.mp4',
            'Yo/v_a1.avi', 'v_a1.avi')  # yapf: disable
    assert written(tmp_path)[TRAIN] == 'Archery/v_a1.mp4 1\nYo/v_y1.AVI 0\n'
    assert written(tmp_path)[VAL] == 'Yo/v_y2.webm 0\n'
    prepare('Archery/v_a1.avi')
    assert written(tmp_path)[TRAIN] == 'Archery/v_a1.avi 1\nYo/v_y1.AVI 0\n'


def test_two_videos_in_place_of_one_are_refused(prepare, tmp_path):
    with pytest.raises(ValueError) as caught:
        prepare('Archery/v_a1.mp4', 'Archery/v_a1.mkv', *VIDEOS[1:])
    for part in ("['v_a1.mkv', 'v_a1.mp4']", "'Archery'"):
        assert part in str(caught.value)
    assert written(tmp_path) == {}


def test_names_that_are_patterns_are_taken_literally(tmp_path):
    names = ['c/a[1]#&(x);~@+!.avi', 'c/a*.avi', 'c/a?.avi']
    touch(tmp_path, names[0], 'c/a1.avi')
    assert find_videos(str(tmp_path), names) == {names[0]: names[0]}


def test_folders_and_dead_links_are_no_videos(tmp_path):
    (tmp_path / 'c' / 'a.avi').mkdir(parents=True)
    (tmp_path / 'c' / 'b.avi').symlink_to('gone.avi')
    assert find_videos(str(tmp_path), ['c/a.avi', 'c/b.avi', 'd/a.avi']) == {}


def test_missing_videos_are_counted_and_nothing_else_is_written(
        prepare, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        prepare('Yo/v_y1.avi')
    text = str(caught.value)
    for part in ('2 of 3 videos of ucf101', "'Archery/v_a1.avi'",
                 "'Yo/v_y2.avi'", '--allow-missing',
                 repr(str(tmp_path / 'videos'))):
        assert part in text
    assert '\n' not in text and 'v_y1' not in text
    assert written(tmp_path) == {
        'ucf101_missing_videos.txt': 'Archery/v_a1.avi\nYo/v_y2.avi\n'
    }


def test_missing_videos_are_left_out_on_demand(prepare, tmp_path):
    lists = prepare('Yo/v_y1.avi', 'Yo/v_y2.avi', allow_missing=True)
    assert [(item.videos, item.missing) for item in lists] == [(1, 1), (1, 0)]
    assert written(tmp_path) == {
        'classes.txt': 'Yo\nArchery\n',
        TRAIN: 'Yo/v_y1.avi 0\n',
        VAL: 'Yo/v_y2.avi 0\n',
        'ucf101_missing_videos.txt': 'Archery/v_a1.avi\n',
    }
    # Once they are there, nothing says that they are missing.
    prepare(*VIDEOS)
    assert 'ucf101_missing_videos.txt' not in written(tmp_path)


def test_a_list_is_never_empty(prepare, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        prepare('Yo/v_y1.avi', allow_missing=True)
    text = str(caught.value)
    assert 'ucf101_val_split_1' in text
    assert repr(str(tmp_path / 'videos')) in text and '\n' not in text
    assert list(written(tmp_path)) == ['ucf101_missing_videos.txt']


def test_folder_of_something_else_is_no_case_of_missing_videos(
        prepare, tmp_path):
    with pytest.raises(FileNotFoundError, match="'Yo' .*'Archery'"):
        prepare('UCF-101/Yo/v_y1.avi', allow_missing=True)
    assert list(written(tmp_path)) == ['ucf101_missing_videos.txt']
    (tmp_path / 'videos').rename(tmp_path / 'moved')
    with pytest.raises(FileNotFoundError, match='videos'):
        find_videos(str(tmp_path / 'videos'), VIDEOS)


def test_lists_of_other_classes_are_not_mixed_up(prepare, tmp_path):
    touch(tmp_path, 'out/classes.txt')
    for text in ('Archery\nYo\n', ''):
        (tmp_path / 'out' / 'classes.txt').write_text(text)
        with pytest.raises(ValueError, match='classes.txt.* 2'):
            prepare(*VIDEOS)
        assert written(tmp_path) == {'classes.txt': text}
    (tmp_path / 'out' / 'classes.txt').write_bytes(b'Yo\r\nArchery')
    prepare(*VIDEOS)
    assert len(written(tmp_path)) == 3


def test_split_files_are_checked_before_anything_is_written(prepare, tmp_path):
    (tmp_path / 'splits' / 'testlist01.txt').write_text('')
    with pytest.raises(ValueError, match='testlist01.txt.* 0 .* 1'):
        prepare(*VIDEOS)
    assert not (tmp_path / 'out').exists()


@pytest.fixture
def hmdb51(tmp_path):
    """Split files of the official size; all videos of class 7 but one.

    Each class has 70, 30 and 2 videos with the flags 1, 2 and 0, which are
    others in each split.
    """
    splits = tmp_path / 'splits' / 'testTrainMulti_7030_splits'
    splits.mkdir(parents=True)
    flags = [1] * 70 + [2] * 30 + [0] * 2
    for item in range(51):
        for number in range(3):
            lines = [
                f'v{index}.avi {flags[index - 30 * number]} \n'
                for index in range(102)
            ]
            path = splits / f'class{item:02d}_test_split{number + 1}.txt'
            path.write_text(''.join(lines))
    folder = tmp_path / 'videos' / 'class07'
    folder.mkdir(parents=True)
    write_video(
        str(folder / 'v0.avi'), np.full((3, 32, 32, 3), 90, np.uint8))
    for index in range(1, 101):
        (folder / f'v{index}.avi').symlink_to('v0.avi')
    return tmp_path


@pytest.fixture
def command(hmdb51, repo_root):
    """Path and arguments of the tool."""
    return [
        str(repo_root / 'tools' / 'prepare_annotations.py'), 'hmdb51',
        f'--splits={hmdb51 / "splits"}', f'--videos={hmdb51 / "videos"}',
        f'--out={hmdb51 / "out"}'
    ]


def test_tool_ends_with_one_sentence(command, monkeypatch):
    monkeypatch.setattr('sys.argv', command)
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(command[0], run_name='__main__')
    # 51 classes of 102 videos, of which 101 of one class are there.
    assert str(caught.value).startswith(
        'error: 5101 of 5202 videos of hmdb51 are missing')
    assert '\n' not in str(caught.value)


def test_tool_writes_lists_of_official_size_that_can_be_loaded(
        command, hmdb51, repo_root, run_command):
    done = run_command(
        [sys.executable, '-W', 'ignore', *command, '--allow-missing'],
        cwd=repo_root, fork=True)
    head, *rows = done.stdout.splitlines()[-8:-1]
    assert head.split() == ['list', 'videos', 'missing']
    expected = [
        (1, 'train', 70, 3500), (1, 'val', 30, 1500),
        # v101, which is missing, is unused in split 1, then test, then
        # training.
        (2, 'train', 70, 3500), (2, 'val', 29, 1501),
        (3, 'train', 69, 3501), (3, 'val', 30, 1500),
    ]  # yapf: disable
    assert len(rows) == len(expected)
    for row, (split, part, videos, missing) in zip(rows, expected):
        file = f'hmdb51_{part}_split_{split}_videos.txt'
        assert row.split() == [file, str(videos), str(missing)]
        dataset = CheckedVideoDataset(
            ann_file=str(hmdb51 / 'out' / file),
            data_prefix=dict(video=str(hmdb51 / 'videos')),
            num_classes=51,
            pipeline=[
                dict(type='DecordInit'),
                dict(type='SampleFrames', clip_len=2),
                dict(type='DecordDecode')
            ])
        assert len(dataset) == videos
        assert {dataset.get_data_info(i)['label']
                for i in range(videos)} == {7}  # yapf: disable
        assert dataset[videos - 1]['imgs'][0].mean() == 90
