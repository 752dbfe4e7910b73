# SPDX-License-Identifier: Apache-2.0
import os
import re
import signal

import pytest

from uftsn_mmaction.datasets.video_check.reading import VideoReading


@pytest.fixture
def reading():
    """Function that makes a reading process, which ends with the test."""
    made = []

    def make(decoder='decord', **kwargs):
        made.append(VideoReading(decoder, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def fake_opencv(tmp_path, monkeypatch):
    """Function that puts a program in the place of OpenCV."""

    def fake(body):
        (tmp_path / 'cv2.py').write_text(body)
        monkeypatch.setenv('PYTHONPATH', str(tmp_path))

    return fake


@pytest.mark.parametrize('decoder', ['decord', 'decord_bytes'])
def test_every_kind_gets_its_report(kinds_of_video, reading, decoder):
    folder, usable = kinds_of_video
    process = reading(decoder)
    reports = {name: process.describe(str(folder / name)) for name in usable}
    found = {name: report.reason is None for name, report in reports.items()}
    assert found == usable
    for name, report in reports.items():
        if usable[name]:
            assert report.frames >= 1 and report.height >= 64
        else:
            assert '\n' not in report.reason and report.note is None


@pytest.mark.parametrize('name, words', [
    ('empty.mp4', 'empty'),
    ('text.avi', 'text'),
    ('truncated_90.mp4', 'truncated'),
    ('truncated_50.avi', 'truncated'),
    ('huge_count.avi', '2000000000 frames.*SIGABRT'),
    ('picture.mp4', 'PNG'),
    ('animation.gif', 'GIF'),
    ('sound_only.mp4', 'sound'),
    ('pipe.mp4', 'pipe'),
    ('device.mp4', 'device'),
    ('folder.mp4', 'folder'),
    ('loop.mp4', 'links'),
])
def test_a_reason_is_one_that_a_person_understands(kinds_of_video, reading,
                                                   name, words):
    report = reading().describe(str(kinds_of_video[0] / name))
    assert re.search(words, report.reason)


@pytest.mark.parametrize('name, frames, height, width, rotation', [
    ('mpeg4.mp4', 12, 64, 96, 0),
    ('rotated_90.mp4', 12, 96, 64, 90),
    ('rotated_180.mp4', 12, 64, 96, 180),
    ('one_frame.mp4', 1, 64, 96, 0),
    ('odd_size.avi', 12, 65, 97, 0),
])
def test_a_sound_video_is_described(kinds_of_video, reading, name, frames,
                                    height, width, rotation):
    report = reading().describe(str(kinds_of_video[0] / name))
    assert (report.frames, report.height, report.width, report.rate,
            report.rotation) == (frames, height, width, 10, rotation)
    assert report.reason is None and report.is_lasting


def test_a_cut_video_that_can_be_read_has_a_note(kinds_of_video, reading):
    report = reading().describe(str(kinds_of_video[0] / 'truncated_90.avi'))
    assert report.reason is None and 'truncated' in report.note
    assert 1 <= report.frames < 12


def test_opencv_refuses_what_its_pipeline_would_ask_for_in_vain(
        kinds_of_video, reading):
    process = reading('opencv')
    folder = kinds_of_video[0]
    for name in ('truncated_90.avi', 'huge_count.avi', 'picture.png'):
        assert process.describe(str(folder / name)).reason, name
    for name in ('mpeg4.mp4', 'animation.gif', 'width_48.mp4'):
        assert process.describe(str(folder / name)).frames == 12, name


def test_a_crash_is_survived_and_kept(kinds_of_video, reading):
    process = reading()
    bad = process.describe(str(kinds_of_video[0] / 'huge_count.avi'))
    assert bad.reason and bad.is_lasting
    assert process.describe(str(kinds_of_video[0] / 'mpeg4.mp4')).frames == 12


def test_a_decoder_that_hangs_is_given_up(kinds_of_video, reading,
                                          fake_opencv):
    fake_opencv('import time\ntime.sleep(10_000)\n')
    path = str(kinds_of_video[0] / 'mpeg4.mp4')
    report = reading('opencv', time_limit=1).describe(path)
    assert '1 second' in report.reason
    # On another day the machine may be faster.
    assert not report.is_lasting


def test_a_kill_from_outside_is_no_fault_of_the_video(kinds_of_video, reading,
                                                      fake_opencv):
    fake_opencv(f'import os\nos.kill(os.getpid(), {int(signal.SIGTERM)})\n')
    report = reading('opencv').describe(str(kinds_of_video[0] / 'mpeg4.mp4'))
    assert 'SIGTERM' in report.reason and not report.is_lasting


def test_what_a_decoder_prints_is_not_taken_for_an_answer(
        kinds_of_video, reading, fake_opencv):
    fake_opencv('import os\nos.write(1, b"noise\\n")\nraise ImportError("x")')
    report = reading('opencv').describe(str(kinds_of_video[0] / 'mpeg4.mp4'))
    assert report.reason == 'opencv: x'


def test_close_leaves_no_process(kinds_of_video, reading):
    process = reading()
    process.describe(str(kinds_of_video[0] / 'mpeg4.mp4'))
    pid = process._child.pid
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
