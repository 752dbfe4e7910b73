# SPDX-License-Identifier: Apache-2.0
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import decord
import numpy as np
import pytest

from uftsn_mmaction.datasets.motion import generator, video_writer
from uftsn_mmaction.datasets.motion.generator import generate_motion_set
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings
from uftsn_mmaction.datasets.motion.video_writer import write_video

TINY = dict(num_train=2, num_test=1, size=(32, 32), num_frames=3)


def _read(root, name):
    with open(os.path.join(root, name), encoding='utf-8') as file:
        return file.read().split('\n')[:-1]


def _frames(root, split, index):
    path = os.path.join(root, 'videos', split, f'{index:05d}.avi')
    reader = decord.VideoReader(path, num_threads=1)
    return reader.get_batch(range(len(reader))).asnumpy()


def test_lists_are_balanced_and_name_existing_files(motion_root):
    classes = _read(motion_root, 'classes.txt')
    assert classes[:3] == ['left-warm', 'left-cool', 'right-warm']
    for split, clips in (('train', 32), ('test', 16)):
        lines = [line.split() for line in _read(motion_root, f'{split}.txt')]
        labels = np.bincount([int(label) for _, label in lines])
        np.testing.assert_array_equal(labels, clips // 16)
        for path, _ in lines:
            assert os.path.exists(os.path.join(motion_root, 'videos', path))


def test_files_hold_what_was_rendered(motion_root, settings):
    for split, index in (('train', 9), ('test', 14)):
        clip = generator.render_clip(
            MotionSetSettings(**settings), split, index)
        np.testing.assert_array_equal(
            _frames(motion_root, split, index), clip.frames)
        path = os.path.join(motion_root, 'flow', split, f'{index:05d}.npz')
        with np.load(path, allow_pickle=False) as archive:
            error = np.abs(archive['flow'].astype(np.float32) - clip.flow)
        assert error.max() < 0.0025


def test_flow_fits_the_decoded_frames(motion_root, warp_error):
    for index in range(0, 32, 3):
        path = os.path.join(motion_root, 'flow', 'train', f'{index:05d}.npz')
        with np.load(path) as archive:
            flow = archive['flow'].astype(np.float32)
        with_flow, without = warp_error(
            _frames(motion_root, 'train', index), flow)
        assert with_flow < 0.6 * without


def test_a_smaller_set_is_the_beginning_of_a_larger_one(motion_root, settings,
                                                        tmp_path):
    small = MotionSetSettings(**{**settings, 'num_train': 2, 'num_test': 1})
    generate_motion_set(str(tmp_path), small)
    for split, index in (('train', 1), ('test', 0)):
        np.testing.assert_array_equal(
            _frames(tmp_path, split, index),
            _frames(motion_root, split, index))
    assert np.any(_frames(tmp_path, 'train', 0) != _frames(
        tmp_path, 'test', 0)), 'the splits share a clip'


def test_a_complete_set_is_left_alone(tmp_path):
    root = str(tmp_path / 'set')
    assert generate_motion_set(root, MotionSetSettings(**TINY))
    video = tmp_path / 'set' / 'videos' / 'train' / '00000.avi'
    before = video.stat().st_mtime_ns
    assert not generate_motion_set(root, MotionSetSettings(**TINY))
    # A config brings lists instead of tuples.
    as_list = MotionSetSettings(**{**TINY, 'size': [32, 32]})
    assert not generate_motion_set(root, as_list)
    assert video.stat().st_mtime_ns == before


def test_an_unfinished_or_damaged_set_is_written_anew(tmp_path, monkeypatch):
    root, settings = str(tmp_path), MotionSetSettings(**TINY)

    def fail(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(generator, 'write_video', fail)
        with pytest.raises(KeyboardInterrupt):
            generate_motion_set(root, settings)
    assert not (tmp_path / 'settings.json').exists()
    assert generate_motion_set(root, settings)
    (tmp_path / 'flow' / 'train' / '00001.npz').unlink()
    assert generate_motion_set(root, settings)
    assert (tmp_path / 'flow' / 'train' / '00001.npz').exists()
    assert json.loads((tmp_path / 'settings.json').read_text())['seed'] == 0


def test_a_different_set_is_replaced_only_on_demand(tmp_path):
    root = str(tmp_path)
    generate_motion_set(root, MotionSetSettings(**TINY))
    other = MotionSetSettings(**{**TINY, 'num_train': 1, 'seed': 5})
    before = _frames(root, 'train', 0)
    with pytest.raises(ValueError) as caught:
        generate_motion_set(root, other)
    for part in (root, 'seed 0', '5', '--overwrite'):
        assert part in str(caught.value)
    np.testing.assert_array_equal(_frames(root, 'train', 0), before)

    note = tmp_path / 'videos' / 'train' / 'notes.txt'
    note.write_text('mine')
    assert generate_motion_set(root, other, overwrite=True)
    assert np.any(_frames(root, 'train', 0) != before)
    assert not (tmp_path / 'videos' / 'train' / '00001.avi').exists()
    assert note.read_text() == 'mine'


@pytest.mark.parametrize('name, content', [
    ('holiday.avi', ''),
    ('settings.json', '{"format": "of another tool"}'),
    ('settings.json', 'no JSON'),
])
@pytest.mark.parametrize('overwrite', [False, True])
def test_a_folder_of_other_files_is_never_touched(tmp_path, name, content,
                                                  overwrite):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f'data_root .*{tmp_path.name}'):
        generate_motion_set(
            str(tmp_path), MotionSetSettings(**TINY), overwrite)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize('path', ['file', 'file/set'])
def test_a_file_is_no_folder(tmp_cwd, path):
    (tmp_cwd / 'file').touch()
    with pytest.raises(NotADirectoryError, match=f"data_root .*'{path}'"):
        generate_motion_set(path, MotionSetSettings(**TINY))


def test_of_several_callers_one_writes(tmp_path):
    settings = MotionSetSettings(**TINY)
    with ThreadPoolExecutor(3) as pool:
        written = list(
            pool.map(lambda _: generate_motion_set(str(tmp_path), settings),
                     range(3)))
    assert sorted(written) == [False, False, True]


@pytest.mark.parametrize('bad, error, word', [
    (dict(num_test=0), ValueError, 'num_test .*0'),
    (dict(seed=-1), ValueError, 'seed .*-1'),
    (dict(size=64), TypeError, 'size .*64'),
    (dict(num_clips=3), ValueError, 'num_clips'),
    (dict(num_frames=99), ValueError, 'num_frames 99'),
])
def test_bad_settings_are_named(bad, error, word):
    with pytest.raises(error, match=word):
        MotionSetSettings.from_dict(bad)


@pytest.mark.parametrize('with_decord', [True, False])
@pytest.mark.parametrize('extension', ['avi', 'mkv'])
def test_writer_is_lossless(tmp_path, monkeypatch, with_decord, extension):
    if not with_decord:  # as on Arm and macOS
        monkeypatch.setitem(sys.modules, 'decord', None)
    frames = np.random.default_rng(0).integers(
        0, 256, (4, 34, 66, 3), dtype=np.uint8)
    path = str(tmp_path / f'noise.{extension}')
    write_video(path, frames)  # checks by itself what it wrote
    reader = decord.VideoReader(path, num_threads=1)
    # Out of order, as clips are sampled.
    np.testing.assert_array_equal(
        reader.get_batch([3, 0, 2]).asnumpy(), frames[[3, 0, 2]])


def test_writer_notices_what_got_lost(tmp_path, monkeypatch):
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    monkeypatch.setattr(video_writer, '_read_back', lambda *_: frames[:3])
    with pytest.raises(RuntimeError, match='a.avi.* 4 '):
        write_video(str(tmp_path / 'a.avi'), frames)


@pytest.mark.parametrize('limit', [0, 6000, 100_000])
def test_writer_notices_a_full_disk(tmp_path, limit):
    # An encoder that cannot write says so on the screen and goes on.
    resource = pytest.importorskip('resource', reason='POSIX only')
    frames = np.random.default_rng(0).integers(
        0, 256, (24, 64, 80, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(RuntimeError, match='a.avi.*disk'):
            write_video(str(tmp_path / 'a.avi'), frames)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_writer_names_what_it_cannot_write(tmp_path):
    path = str(tmp_path / 'a.avi')
    with pytest.raises(ValueError, match=r'float64 .*\(2, 32, 32, 3\)'):
        write_video(path, np.zeros((2, 32, 32, 3)))
    with pytest.raises(ValueError, match='32 x 33'):
        write_video(path, np.zeros((2, 32, 33, 3), np.uint8))
    with pytest.raises(RuntimeError, match='missing/a.avi'):
        write_video(
            str(tmp_path / 'missing' / 'a.avi'),
            np.zeros((2, 32, 32, 3), np.uint8))


def test_width_that_the_decoder_cannot_read_is_named(tmp_path, monkeypatch):

    def get_batch(self, indices):
        raise decord.DECORDError('from_size == to_size')

    # Which widths these are may depend on the machine.
    monkeypatch.setattr(decord.VideoReader, 'get_batch', get_batch)
    with pytest.raises(ValueError, match='48 pixels'):
        write_video(
            str(tmp_path / 'a.avi'), np.zeros((2, 32, 48, 3), np.uint8))
