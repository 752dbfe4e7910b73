# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from uftsn_mmaction.datasets.broken_video import BrokenVideoError
from uftsn_mmaction.datasets.motion.video_writer import write_video


def decode(name, path, **kwargs):
    results = dict(filename=str(path), frame_inds=np.arange(3))
    for step in (dict(type=name, **kwargs), dict(type='DecordDecode')):
        results = TRANSFORMS.build(step)(results)
    return results


@pytest.fixture
def movie(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3))
    write_video(str(tmp_path / 'a.avi'), frames.astype(np.uint8))
    return tmp_path / 'a.avi'


@pytest.mark.parametrize('backend', ['disk', 'local'])
def test_frames_are_those_of_the_stock_transform(movie, backend):
    kwargs = dict(io_backend=backend) if backend == 'disk' else {}
    ours = decode('DecordPathInit', movie, **kwargs)
    stock = decode('DecordInit', movie, **kwargs)
    assert np.array_equal(ours['imgs'], stock['imgs'])
    assert ours['total_frames'] == stock['total_frames'] == 5
    assert ours['avg_fps'] == stock['avg_fps']


def test_a_name_without_extension_is_that_of_an_mp4_file(movie):
    movie.rename(movie.with_suffix('.mp4'))
    results = decode('DecordPathInit', movie.with_suffix(''))
    assert len(results['imgs']) == 3


@pytest.mark.parametrize('name', ['pipe.mp4', 'device.mp4', 'folder.mp4',
                                  'loop.mp4', 'dangling.mp4'])
def test_only_files_are_opened(kinds_of_video, name):
    with pytest.raises(BrokenVideoError):
        decode('DecordPathInit', kinds_of_video[0] / name)


def test_no_truncated_avi_ends_the_process(kinds_of_video, tmp_path):
    data = (kinds_of_video[0] / 'xvid.avi').read_bytes()
    for share in range(5, 100, 5):
        part = data[:len(data) * share // 100]
        (tmp_path / f'{share}.avi').write_bytes(part)
    program = (
        'import sys, decord\n'
        'for path in sys.argv[1:]:\n'
        '    try:\n'
        '        reader = decord.VideoReader(path, num_threads=1)\n'
        '        reader.get_batch([len(reader) - 1, 0])\n'
        '    except (RuntimeError, decord.DECORDError):\n'
        '        pass\n')
    done = subprocess.run([sys.executable, '-c', program,
                           *map(str, tmp_path.glob('*.avi'))])
    assert done.returncode == 0
