# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import sqlite3
import subprocess

import pytest
from mmaction.datasets.transforms import DecordInit, OpenCVInit

from uftsn_mmaction.datasets.video_check import cache, check
from uftsn_mmaction.datasets.video_check.check import check_videos
from uftsn_mmaction.datasets.video_check.decoder import decoder_of


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """Paths that are read, with an empty cache."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    read = []
    describe = check.VideoReading.describe

    def watched(self, path):
        read.append(os.path.basename(path))
        return describe(self, path)

    monkeypatch.setattr(check.VideoReading, 'describe', watched)
    return read


@pytest.fixture
def video(kinds_of_video, tmp_path):
    return shutil.copy(kinds_of_video[0] / 'mpeg4.mp4', tmp_path / 'a.mp4')


def test_a_file_is_read_once_by_each_decoder(reads, video):
    first = check_videos([video, video], 'decord')
    assert check_videos([video], 'decord') == first
    assert reads == ['a.mp4']
    check_videos([video], 'opencv')
    assert reads == ['a.mp4'] * 2


def test_a_changed_file_is_read_again(reads, video, kinds_of_video):
    assert check_videos([video], 'decord')[video].reason is None
    shutil.copy(kinds_of_video[0] / 'text.avi', video)
    assert 'text' in check_videos([video], 'decord')[video].reason
    shutil.copy(kinds_of_video[0] / 'mpeg4.mp4', video)
    os.utime(video, ns=(0, 0))
    assert check_videos([video], 'decord')[video].reason is None
    assert len(reads) == 3


def test_relative_paths_are_those_of_the_folder(reads, video, tmp_path,
                                                monkeypatch, kinds_of_video):
    monkeypatch.chdir(tmp_path)
    assert check_videos(['a.mp4'], 'decord')['a.mp4'].frames == 12
    (tmp_path / 'b').mkdir()
    shutil.copy(kinds_of_video[0] / 'one_frame.mp4', tmp_path / 'b/a.mp4')
    monkeypatch.chdir(tmp_path / 'b')
    assert check_videos(['a.mp4'], 'decord')['a.mp4'].frames == 1


def test_what_may_pass_is_not_kept(reads, video):
    os.remove(video)
    assert check_videos([video], 'decord')[video].reason
    assert check_videos([video], 'decord')[video].reason
    assert len(reads) == 2


@pytest.mark.parametrize('fault', ['no database', 'no folder'])
def test_a_useless_cache_costs_time_alone(reads, video, fault):
    path = cache.cache_file()
    if fault == 'no folder':
        path.parent.parent.write_text('a file')
    else:
        path.parent.mkdir(parents=True)
        path.write_text('this is no database ' * 100)
    for _ in range(2):
        assert check_videos([video], 'decord')[video].frames == 12
    assert len(reads) == 2


def test_names_that_are_no_text(reads, tmp_path, kinds_of_video):
    name = os.fsdecode(bytes(tmp_path) + b'/\xff\xfe.mp4')
    shutil.copy(kinds_of_video[0] / 'mpeg4.mp4', name)
    # decord takes names as text; whatever it says, nothing raises.
    assert check_videos([name], 'decord').keys() == {name}
    assert check_videos([name], 'opencv').keys() == {name}


def test_an_interruption_ends_the_children_and_keeps_the_rest(
        reads, video, monkeypatch, kinds_of_video):
    folder = kinds_of_video[0]
    started = []
    popen = subprocess.Popen

    def watched(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(subprocess, 'Popen', watched)
    monkeypatch.setattr(check, '_SAVE_EVERY', 1)
    keep = cache.ReportCache.keep

    def stop(self, path, report):
        if path.endswith('xvid.avi'):
            raise KeyboardInterrupt
        keep(self, path, report)

    monkeypatch.setattr(cache.ReportCache, 'keep', stop)
    paths = [str(folder / name) for name in ('mpeg4.mp4', 'xvid.avi')]
    with pytest.raises(KeyboardInterrupt):
        check_videos(paths, 'decord', workers=2)
    assert started and all(child.poll() is not None for child in started)
    with sqlite3.connect(cache.cache_file()) as database:
        rows = database.execute('SELECT path FROM videos').fetchall()
    assert rows == [(paths[0], )]


def test_bad_settings_are_named(video):
    with pytest.raises(ValueError, match='workers and time_limit .* 0 and'):
        check_videos([video], 'decord', workers=0)


def test_the_decoder_is_that_of_the_pipeline():
    assert decoder_of([]) is None
    assert decoder_of([str, DecordInit()]) == 'decord_bytes'
    assert decoder_of([OpenCVInit()]) == 'opencv'
    assert decoder_of([DecordInit(io_backend='petrel')]) is None
