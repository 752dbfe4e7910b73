# SPDX-License-Identifier: Apache-2.0
"""Every kind of input, and what is said of the others."""
import re

import cv2
import numpy as np
import pytest
import torch

from uftsn_mmaction.apis.find_sources import find_sources, is_single

CLIP = np.zeros((3, 8, 9, 3), np.uint8)


@pytest.fixture
def folder(tmp_cwd):
    for name in ('a.mp4', 'b/a.MOV', 'b/c d.avi', 'b/notes.txt', 'x.csv'):
        (tmp_cwd / name).parent.mkdir(exist_ok=True)
        (tmp_cwd / name).write_text('')
    (tmp_cwd / 'clip').mkdir()
    for number in range(3):
        cv2.imwrite(f'clip/{number}.png', CLIP[0])
    return tmp_cwd


def named(inputs):
    return [(source.origin, source.name) for source in find_sources(inputs)]


def test_paths(folder):
    assert named('a.mp4') == named(folder / 'a.mp4')[:0] + [('a.mp4', 'a')]
    assert named('b') == [('b/a.MOV', 'a'), ('b/c d.avi', 'c_d')]
    assert named('.') == [('./a.mp4', 'a'), ('./b/a.MOV', 'b/a'),
                          ('./b/c d.avi', 'b/c_d')]
    assert named('b/*.avi') == [('b/c d.avi', 'c_d')]
    assert named(['a.mp4', folder / 'b']) == [
        ('a.mp4', 'a'), (f'{folder}/b/a.MOV', 'a.MOV'),
        (f'{folder}/b/c d.avi', 'c_d')]


def test_a_folder_of_pictures_is_one_clip(folder):
    (paths, name), = named('clip')
    assert paths == ['clip/0.png', 'clip/1.png', 'clip/2.png']
    assert name == 'clip' and is_single('clip')
    pair = ['clip/2.png', folder / 'clip/0.png']
    assert named(pair) == [(['clip/2.png', f'{folder}/clip/0.png'], '2')]
    assert is_single(pair) and not is_single(['clip/2.png', 'a.mp4'])


def test_lists_with_and_without_labels(folder):
    (folder / 'list.txt').write_text('a.mp4 \t0\n\nb/c d.avi\nb/c d.avi 12\n')
    assert named('list.txt') == [('a.mp4', 'a'), ('b/c d.avi', 'b/c_d'),
                                 ('b/c d.avi', 'b/c_d.avi')]
    labels = [source.label for source in find_sources('list.txt')]
    assert labels == [0, None, 12]


def test_results_of_a_hostile_list_stay_in_their_folder(folder):
    (folder / 'b/list.txt').write_text(
        f'../a.mp4\n{folder}/a.mp4\n./../b/../a.mp4\n..\n')
    names = [source.name for source in find_sources('b/list.txt')]
    assert len(set(names)) == 4
    for name in names:
        assert '..' not in name.split('/') and not name.startswith('/')


@pytest.mark.parametrize('clip', [
    CLIP, torch.from_numpy(CLIP), torch.from_numpy(CLIP).permute(0, 3, 1, 2),
    list(CLIP)], ids=['array', 'tensor', 'channels first', 'list'])
def test_frames(clip):
    source, = find_sources(clip)
    np.testing.assert_array_equal(source.origin, CLIP)
    assert is_single(clip)


def test_several_clips_have_several_names():
    names = [source.name for source in find_sources([CLIP, CLIP, CLIP])]
    assert names == ['frames', 'frames_2', 'frames_3']
    assert not is_single([CLIP, CLIP])


def test_cameras_and_addresses():
    assert named(2) == [(2, 'camera_2')]
    assert named('https://host/dir/my.mp4?x=1') == [
        ('https://host/dir/my.mp4?x=1', 'my')]
    assert is_single(0) and is_single('https://host/my.mp4?[1]')


def test_lists_are_several_even_of_one(folder):
    (folder / 'list.txt').write_text('a.mp4\n')
    assert not any(map(is_single, ['list.txt', 'b', '*.mp4', ['a.mp4']]))
    assert is_single('a.mp4')


@pytest.mark.parametrize('inputs, words', [
    ('none.mp4', "'none.mp4' does not exist"),
    ('clip/0.png', 'is a single picture'),
    ('*.mkv', "'*.mkv' holds no video"),
    ([], 'of type list holds no video'),
    (1.5, 'the input is a float'),
    (True, 'the input is a bool'),
    (CLIP.astype(float), 'the frames are float64 of shape (3, 8, 9, 3)'),
    (CLIP[..., :2], 'expected uint8 (T, H, W, 3)'),
    (CLIP[0], 'the frames are uint8 of shape (8, 9, 3)'),
])
def test_bad_inputs_are_one_sentence(folder, inputs, words):
    with pytest.raises((ValueError, FileNotFoundError),
                       match=re.escape(words)) as info:
        find_sources(inputs)
    assert '\n' not in str(info.value)


def test_a_missing_file_in_a_list_has_its_line(folder):
    (folder / 'list.txt').write_text('a.mp4\nb/none.mp4 3\n')
    with pytest.raises(FileNotFoundError, match="'b/none.mp4' in line 2 of"):
        find_sources('list.txt')
