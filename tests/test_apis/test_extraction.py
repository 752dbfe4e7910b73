# SPDX-License-Identifier: Apache-2.0
"""Extracted flow: complete, in order, and never done twice."""
import shutil

import cv2
import numpy as np
import pytest
from bad_videos import encode

from uftsn_mmaction.apis import FlowInferencer
from uftsn_mmaction.apis.extraction import Extraction
from uftsn_mmaction.apis.find_sources import find_sources
from uftsn_mmaction.apis.flow_folder import FlowFolder
from uftsn_mmaction.apis.flow_formats import DENSEFLOW, FORMATS
from uftsn_mmaction.fileio import AtomicLocalBackend
from uftsn_mmaction.fileio.flow_file import read_flow
from uftsn_mmaction.fileio.video_reader import open_capture, read_frames


@pytest.fixture(scope='module')
def dis():
    return FlowInferencer('dis_fast', device='cpu')


@pytest.fixture
def videos(tmp_path):
    for name, seed in (('run/a.mp4', 1), ('jump/b.avi', 2)):
        (tmp_path / 'videos' / name).parent.mkdir(parents=True)
        encode(tmp_path / 'videos' / name,
               'mp4v' if name.endswith('4') else 'XVID', number=6, seed=seed)
    return tmp_path / 'videos'


@pytest.fixture
def extract(dis, tmp_path):
    """Function that extracts videos to the folder ``out``."""

    def extract(videos, to, **kwargs):
        format = kwargs.pop('format', FORMATS[to])
        out = kwargs.pop('out', tmp_path / 'out')
        folder = FlowFolder(out, dict(to=to))
        kwargs = dict(batch_size=2) | kwargs
        bad = Extraction(dis, folder, format, **kwargs).run(
            find_sources(videos))
        return out, bad

    return extract


@pytest.fixture
def estimated(dis, monkeypatch):
    """List that gets the number of pairs of each estimation."""
    numbers, estimate = [], FlowInferencer._flow_of_clips

    def flow_of_clips(self, clips, backward=False):
        numbers.append(len(clips) * (len(clips[0]) - 1))
        return estimate(self, clips, backward)

    monkeypatch.setattr(FlowInferencer, '_flow_of_clips', flow_of_clips)
    return numbers


def visible(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*')
                  if path.is_file() and '.extraction' not in path.parts)


@pytest.mark.parametrize('to, step', [('flo', 0), ('npy', 0), ('kitti',
                                                               1 / 128)])
def test_files_hold_the_flow_of_each_pair(extract, videos, dis, to, step):
    out, bad = extract(str(videos), to)
    assert not bad
    for video in ('run/a', 'jump/b'):
        path, = videos.glob(f'{video}.*')
        expected = dis(path)
        for number, flow in enumerate(expected, 1):
            end = dict(kitti='png').get(to, to)
            back, known = read_flow(str(out / video / f'{number:05d}.{end}'))
            assert known.all()
            np.testing.assert_allclose(back, flow, atol=step)
    assert (out / 'list.txt').read_text() == 'jump/b 5 0\nrun/a 5 1\n'
    assert (out / 'classes.txt').read_text() == 'jump\nrun\n'
    assert len(visible(out)) == 13


@pytest.mark.parametrize('format, names', [
    (FORMATS['rawframes'], ['x_00001.jpg', 'x_00005.jpg', 'y_00001.jpg']),
    (DENSEFLOW, ['flow_x_00000.jpg', 'flow_x_00004.jpg', 'flow_y_00000.jpg']),
])
def test_raw_frames(extract, videos, dis, format, names):
    out, _ = extract(str(videos / 'run'), 'rawframes', format=format)
    assert len(list((out / 'a').iterdir())) == 10
    for name in names:
        assert (out / 'a' / name).exists()
    u = cv2.imread(str(out / 'a' / names[0]), cv2.IMREAD_UNCHANGED)
    expected = dis(videos / 'run/a.mp4')[0, 0]
    # Steps of 40/255 px, and JPEG.
    assert np.abs((u / 255 - 0.5) * 40 - expected).mean() < 0.2


def test_pictures_share_a_scale(extract, videos):
    out, _ = extract(str(videos / 'run'), 'png')
    pictures = [cv2.imread(str(path)) for path in (out / 'a').iterdir()]
    assert len(pictures) == 5 and pictures[0].shape == (64, 96, 3)
    # To the left and up is blue to violet; all pairs move alike.
    means = np.stack([picture.mean(axis=(0, 1)) for picture in pictures])
    assert (means[:, 0] > means[:, 1]).all() and means.std(0).max() < 20
    pale, _ = extract(str(videos / 'run'), 'png', bound=50,
                      out=out.with_name('pale'))
    assert cv2.imread(str(pale / 'a/00001.png')).mean() > means.mean() + 30


def test_a_video_is_as_long_as_its_source(extract, videos, kinds_of_video):
    out, bad = extract([videos / 'run/a.mp4',
                        kinds_of_video[0] / 'rotated_90.mp4'], 'mp4')
    assert not bad
    for name, number, shape in (('a', 5, (64, 96, 3)),
                                ('rotated_90', 11, (96, 64, 3))):
        frames = list(read_frames(open_capture(str(out / f'{name}.mp4')), 10))
        assert (len(frames), frames[0].image.shape) == (number, shape)
    assert visible(out) == ['a.mp4', 'extraction.json', 'list.txt',
                            'rotated_90.mp4']


def test_stride_and_size(extract, videos, dis):
    out, _ = extract(str(videos / 'run'), 'npy', stride=2, size=32)
    expected = dis(videos / 'run/a.mp4', stride=2, size=32)
    assert len(expected) == 2 and expected.shape[2:] == (32, 48)
    np.testing.assert_allclose(np.load(out / 'a/00002.npy'), expected[1])
    assert (out / 'list.txt').read_text() == 'a 2\n'


@pytest.mark.parametrize('to', ['rawframes', 'mp4'])
def test_a_second_run_does_nothing(extract, videos, estimated, to):
    out, _ = extract(str(videos), to)
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*')
              if path.suffix in ('.jpg', '.mp4')}
    estimated.clear()
    extract(str(videos), to)
    assert estimated == []
    assert all(path.stat().st_mtime_ns == time
               for path, time in before.items())


def test_an_ended_run_goes_on_where_it_was(extract, videos, estimated,
                                           monkeypatch, dis):
    put, written = AtomicLocalBackend.put, []

    def end_after_three(self, content, path):
        if str(path).endswith('.npy'):
            if len(written) == 3:
                raise KeyboardInterrupt
            written.append(str(path))
        put(self, content, path)

    monkeypatch.setattr(AtomicLocalBackend, 'put', end_after_three)
    with pytest.raises(KeyboardInterrupt):
        extract(str(videos / 'run'), 'npy')
    monkeypatch.setattr(AtomicLocalBackend, 'put', put)
    estimated.clear()
    out, _ = extract(str(videos / 'run'), 'npy')
    assert sum(estimated) == 2
    np.testing.assert_array_equal(
        np.stack([np.load(out / f'a/{number:05d}.npy')
                  for number in range(1, 6)]), dis(videos / 'run/a.mp4'))
    assert (out / 'list.txt').read_text() == 'a 5\n'


def test_an_ended_video_leaves_no_half(extract, videos, monkeypatch):

    def fail(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr('uftsn_mmaction.apis.flow_output.flow_to_color', fail)
        with pytest.raises(KeyboardInterrupt):
            extract(str(videos / 'run'), 'mp4')
    out, _ = extract(str(videos / 'run'), 'mp4')
    assert visible(out) == ['a.mp4', 'extraction.json', 'list.txt']


def test_another_video_of_the_name_is_done_anew(extract, videos, dis):
    out, _ = extract(str(videos / 'run'), 'npy')
    shutil.copy(videos / 'jump/b.avi', videos / 'run/a.mp4')
    extract(str(videos / 'run'), 'npy')
    np.testing.assert_array_equal(np.load(out / 'a/00001.npy'),
                                  dis(videos / 'jump/b.avi')[0])


def test_a_kill_mixes_no_two_videos(extract, videos, dis, monkeypatch):
    """Neither the pairs of the old video nor its surplus remain."""
    encode(videos / 'run/a.mp4', 'mp4v', number=9, seed=1)
    out, _ = extract(str(videos / 'run'), 'npy')
    shutil.copy(videos / 'jump/b.avi', videos / 'run/a.mp4')

    def fail(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AtomicLocalBackend, 'put', fail)
        with pytest.raises(KeyboardInterrupt):
            extract(str(videos / 'run'), 'npy')
    extract(str(videos / 'run'), 'npy')
    files = sorted((out / 'a').iterdir())
    np.testing.assert_array_equal(
        np.stack([np.load(file) for file in files]),
        dis(videos / 'jump/b.avi'))


def test_a_video_is_not_replaced_by_its_flow(extract, videos):
    with pytest.raises(ValueError, match='would replace the input .*a.mp4'):
        extract(str(videos / 'run'), 'mp4', out=videos / 'run')
    assert open_capture(str(videos / 'run/a.mp4')).get(
        cv2.CAP_PROP_FRAME_COUNT) == 6


def test_shares_make_the_whole(extract, videos):
    for rank in (1, 0):
        out, bad = extract(str(videos), 'rawframes', rank=rank, count=2)
        assert not bad
    assert (out / 'list.txt').read_text() == 'jump/b 5 0\nrun/a 5 1\n'


def test_bad_videos_are_named_and_the_others_done(extract, kinds_of_video):
    folder, _ = kinds_of_video
    names = ['noise.mp4', 'mpeg4.mp4', 'pipe.mp4', 'one_frame.mp4',
             'huge_count.avi', 'truncated_90.avi', 'picture.mp4']
    out, bad = extract([folder / name for name in names], 'rawframes')
    # Of a cut video what is there, and no more than a header promises.
    assert (out / 'list.txt').read_text() == (
        'mpeg4 11\nhuge_count 11\ntruncated_90 6\n')
    assert {path.rsplit('/', 1)[1] for path in bad} == {
        'noise.mp4', 'pipe.mp4', 'one_frame.mp4', 'picture.mp4'}
    assert all('\n' not in reason for reason in bad.values())


@pytest.mark.parametrize('to', ['npy', 'mp4'])
def test_short_videos_share_a_batch(extract, tmp_path, estimated, to):
    (tmp_path / 'videos').mkdir()
    for name, number, size in (('a', 4, None), ('b', 3, None), ('c', 11, None),
                               ('d', 3, (80, 48)), ('e', 4, None)):
        encode(tmp_path / f'videos/{name}.mp4', number=number,
               seed=ord(name), **({'size': size} if size else {}))
    bound = dict(bound=5.) if to == 'mp4' else {}
    out, bad = extract(str(tmp_path / 'videos'), to, batch_size=8, **bound)
    assert not bad
    # a, b and the rest of c; then d alone, since its size is another one.
    assert sorted(estimated) == [2, 3, 7, 8]
    assert (out / 'list.txt').read_text() == 'a 3\nb 2\nc 10\nd 2\ne 3\n'
    alone = tmp_path / 'alone'
    extract(str(tmp_path / 'videos'), to, batch_size=1, out=alone, **bound)
    assert visible(out) == visible(alone)
    if to == 'npy':
        for path in out.rglob('*.npy'):
            np.testing.assert_allclose(
                np.load(path), np.load(alone / path.relative_to(out)),
                atol=1e-5)


def test_a_video_that_fails_in_a_batch_ends_no_other(extract, tmp_path,
                                                     monkeypatch):
    (tmp_path / 'videos').mkdir()
    for name in 'ab':
        encode(tmp_path / f'videos/{name}.mp4', number=3, seed=ord(name))
    estimate = FlowInferencer._flow_of_clips
    calls = []

    def fail(self, clips, backward=False):
        calls.append(len(clips))
        if len(calls) < 3:
            raise RuntimeError('out of memory')
        return estimate(self, clips, backward)

    monkeypatch.setattr(FlowInferencer, '_flow_of_clips', fail)
    out, bad = extract(str(tmp_path / 'videos'), 'npy', batch_size=8)
    assert calls == [4, 1, 1]
    assert bad == {str(tmp_path / 'videos/a.mp4'): 'out of memory'}
    assert (out / 'list.txt').read_text() == 'b 2\n'
