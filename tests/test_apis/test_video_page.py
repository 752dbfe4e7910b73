# SPDX-License-Identifier: Apache-2.0
"""Results and refusals of the page."""
import cv2
import numpy as np
import pytest
from bad_videos import encode

from uftsn_mmaction.apis import ActionInferencer
from uftsn_mmaction.apis.page import pictures_html, table_html
from uftsn_mmaction.apis.video_page import (
    Grid,
    Picture,
    VideoPage,
    class_curves,
    class_table,
)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp('page') / 'my.mp4'
    encode(path, number=8)
    return str(path)


@pytest.fixture(scope='module')
def page():
    return VideoPage(size=48)


def test_estimators_are_compared_as_by_the_tool(page, video, tmp_cwd,
                                                repo_root, monkeypatch,
                                                capsys):
    pictures, grid = page.compare(page.open(video), ['zero', 'dis_fast'])
    assert [len(row) for row in pictures] == [3, 3]
    assert all(picture.image.shape == (48, 72, 3)
               for row in pictures for picture in row)
    assert 'Flow of dis_fast' in pictures[0][2].text
    assert [row[0] for row in grid.rows] == ['zero', 'dis_fast']
    import runpy
    monkeypatch.setattr('sys.argv', [
        'visualize_flow.py', video, '--estimator', 'zero', 'dis_fast',
        '--size', '48', '--pairs', '2', '--out', 'a.png'])
    runpy.run_path(str(repo_root / 'tools/visualize_flow.py'),
                   run_name='__main__')
    said = capsys.readouterr().out
    for row in grid.rows:
        assert all(cell in said for cell in row)


def test_motion_and_classes_over_time(video, fusion, tmp_path):
    actions = ActionInferencer(
        str(fusion), classes=str(fusion.with_name('classes.txt')),
        device='cpu')
    page = VideoPage(actions, size=48)
    out = tmp_path / 'out.webm'
    said, moments = page.motion(page.open(video), 'dis_fast', out)
    assert said.startswith('8 frames, full colour at ')
    assert cv2.VideoCapture(str(out)).get(cv2.CAP_PROP_FRAME_WIDTH) > 144
    grid = class_table(moments, actions.classes)
    assert grid.caption.endswith('of fusion') and len(grid.columns) == 6
    assert len(grid.rows) == len(moments)
    best = moments[-1].probabilities['fusion']
    shown = [float(cell) for cell in grid.rows[-1][1:]]
    names = [actions.classes.index(name) for name in grid.columns[1:]]
    np.testing.assert_allclose(shown, 100 * best[names], atol=0.06)
    curves = class_curves(moments, actions.classes)
    assert curves.image.ndim == 3 and np.ptp(curves.image) > 200
    assert grid.columns[1] in curves.text


def test_texts_of_strangers_are_no_markup():
    evil = '<script>alert("x")</script>'
    shown = table_html(Grid(evil, (evil, evil), [(evil, evil)]))
    shown += pictures_html([[Picture(np.zeros((4, 4, 3), np.uint8), evil)]])
    assert '<script' not in shown and '&lt;script' in shown
    assert 'alt="&lt;script' in shown and 'scope="row"' in shown


@pytest.mark.parametrize('settings, words', [
    (dict(most_bytes=100), 'but this page takes up to'),
    (dict(most_seconds=0.1), 'seconds, but this page takes up to 0'),
])
def test_limits(video, settings, words):
    with pytest.raises(ValueError, match=words):
        VideoPage(**settings).open(video)


def test_files_that_are_no_videos(page, tmp_path, video):
    (tmp_path / 'list.txt').write_text(video)
    with pytest.raises(ValueError, match='list.txt cannot be used'):
        page.open(str(tmp_path / 'list.txt'))
    with pytest.raises(ValueError, match='choose one first'):
        page.open(None)


def test_estimators_that_the_page_does_not_offer(page, video, tmp_path):
    config = tmp_path / 'evil.py'
    config.write_text(f"open('{tmp_path}/ran', 'w')")
    with pytest.raises(ValueError, match='this page has no estimator'):
        page.compare(page.open(video), [str(config)])
    assert not (tmp_path / 'ran').exists()
    with pytest.raises(ValueError, match='choose one or more'):
        page.compare(page.open(video), [])
