# SPDX-License-Identifier: Apache-2.0
"""tools/visualize_flow.py: pictures, videos and numbers."""
import json
import runpy

import cv2
import pytest
from bad_videos import draw_frames, encode
from PIL import Image


@pytest.fixture
def visualize(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in a folder with a pair and a video."""
    for number, frame in enumerate(draw_frames(2)):
        cv2.imwrite(f'{number}.png', frame)
    (tmp_cwd / 'clips').mkdir()
    encode(tmp_cwd / 'clips/a.mp4', number=4)
    encode(tmp_cwd / 'clips/b.mp4', number=4, seed=1)

    def visualize(*args):
        monkeypatch.setattr('sys.argv', ['visualize_flow.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'visualize_flow.py'),
            run_name='__main__')
        return capsys.readouterr().out

    return visualize


def test_a_pair(visualize):
    said = visualize('0.png', '1.png', '--estimator', 'zero', 'dis_fast',
                     'dis_fast+refined', '--out', 'new/pair.png')
    means = {row['estimator']: row
             for row in json.load(open('new/pair.json'))}
    assert list(means) == ['zero', 'dis_fast', 'dis_fast+refined']
    assert all(row['pairs'] == 1 for row in means.values())
    zero, dis = means['zero'], means['dis_fast']
    assert zero['photometric'] == zero['photometric_zero']
    assert dis['photometric'] < zero['photometric'] / 2
    assert f"{dis['photometric']:.3f}" in said
    picture = cv2.imread('new/pair.png')
    # Four columns of 96 pixels, enlarged by three; four rows.
    assert picture.shape[1] > 4 * 3 * 96 and picture.shape[0] > 4 * 3 * 64


def test_a_folder_is_a_pair_of_each(visualize):
    said = visualize('clips', '--estimator', 'dis_fast', '--out', 'a.png')
    assert 'means over 2 pairs' in said


@pytest.mark.parametrize('name', ['a.gif', 'a.mp4'])
def test_a_video_has_every_pair(visualize, name):
    said = visualize('clips/a.mp4', '--estimator', 'dis_fast', '--out', name)
    assert 'means over 3 pairs' in said
    if name.endswith('gif'):
        with Image.open(name) as animation:
            assert animation.n_frames == 3
    else:
        assert cv2.VideoCapture(name).get(cv2.CAP_PROP_FRAME_COUNT) == 3


@pytest.mark.parametrize('args, words', [
    (['0.png', '--out', 'a.png'], "'0.png' is a single picture"),
    (['0.png', 'none.png', '--out', 'a.png'], "'none.png' does not exist"),
    (['clips', '--out', 'a.mp4'], 'is a video of one clip, but 2 are named'),
    (['clips', '--out', 'a.txt'], "'a.txt', expected a name that ends"),
    (['clips', '--out', 'a.png', '--pairs', '0'], '--pairs must be above 0'),
    (['0.png', '1.png', '--out', 'a.mp4', '--pairs', '1'],
     "--pairs would change nothing in the video 'a.mp4'"),
    (['clips', '--out', 'a.png', '--estimator', 'zero', 'zero'], 'once'),
    (['clips', '--out', '0.png/a.png'], "but '0.png' is a file"),
])
def test_a_mistake_is_one_sentence(visualize, args, words):
    with pytest.raises(SystemExit) as info:
        visualize(*args)
    assert str(info.value).startswith('error: ')
    assert words in str(info.value) and '\n' not in str(info.value)
