# SPDX-License-Identifier: Apache-2.0
"""tools/predict.py: from a video, a folder or a camera to a video."""
import runpy

import cv2
import pytest
from bad_videos import encode, rotated


@pytest.fixture
def predict(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in a folder of videos; returns status and output."""
    (tmp_cwd / 'clips/run').mkdir(parents=True)
    rotated(90)(tmp_cwd / 'clips/run/phone.mp4')
    encode(tmp_cwd / 'clips/a.avi', 'XVID', number=5)

    def predict(*args):
        monkeypatch.setattr('sys.argv', [
            'predict.py', *map(str, args), '--estimator', 'dis_fast'])
        status = 0
        try:
            runpy.run_path(
                str(repo_root / 'tools' / 'predict.py'), run_name='__main__')
        except SystemExit as end:
            status = getattr(end, 'sentence', end.code)
        return status, capsys.readouterr()

    return predict


def shape(path):
    capture = cv2.VideoCapture(str(path))
    return tuple(int(capture.get(key)) for key in (
        cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FRAME_WIDTH))


def test_a_phone_video(predict):
    status, said = predict('clips/run/phone.mp4', '--out', 'new/flow.mp4')
    assert status == 0
    assert shape('new/flow.mp4') == (12, 4 * 96, 4 * 2 * 64)
    assert said.out.startswith('new/flow.mp4: 12 frames')


def test_a_folder_with_a_bad_video(predict, tmp_cwd):
    (tmp_cwd / 'clips/bad.mp4').write_text('none')
    status, said = predict('clips', '--out', 'out')
    assert status == 1
    assert shape('out/a.mp4')[0] == 5 and shape('out/run/phone.mp4')[0] == 12
    assert said.err.splitlines()[-1] == 'bad  clips/bad.mp4: it is text'


def test_classes_of_a_fusion(predict, fusion):
    status, said = predict(
        'clips/run/phone.mp4', fusion, '--out', 'seen.mp4', '--top', '2',
        '--classes', fusion.with_name('classes.txt'))
    assert status == 0
    frames, height, width = shape('seen.mp4')
    assert (frames, width) == (12, 4 * 128) and height > 4 * 96
    lines = said.out.splitlines()[-3:]
    assert [line.split()[:2] for line in lines] == [
        [name, 'motion'] for name in ('spatial', 'temporal', 'fusion')]
    with open('seen.csv', encoding='utf-8') as file:
        assert len(file.readlines()) == 1 + 2 * 3


@pytest.mark.parametrize('args, words', [
    (['none.mp4', '--out', 'a.mp4'], "'none.mp4' does not exist"),
    (['99', '--out', 'a.mp4'], 'camera 99 cannot be opened'),
    (['clips/a.avi', '--out', 'a.txt'], "'a.txt', expected a name"),
    (['clips/a.avi', '--out', 'clips'], 'which is a folder'),
    (['clips', '--out', 'clips/a.avi'], "but 'clips/a.avi' is a file"),
    (['clips/a.avi', 'none.py', '--out', 'a.mp4'], "CONFIG 'none.py' does"),
    (['clips/a.avi', 'none.py', 'none.pth', '--out', 'a.mp4'],
     "CHECKPOINT 'none.pth' does not exist"),
    (['clips/a.avi', '--out', 'a.mp4', '--size', '0'], '--size must be'),
])
def test_a_mistake_is_one_sentence(predict, args, words):
    status, _ = predict(*args)
    assert status.startswith('error: ')
    assert words in status and '\n' not in status
