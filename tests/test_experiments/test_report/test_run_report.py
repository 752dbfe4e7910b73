# SPDX-License-Identifier: Apache-2.0
"""The page on a run shows what is in its folder, and nothing runs."""
import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from mmengine.fileio import dump, load
from PIL import Image

from uftsn_mmaction.experiments.history import read_history
from uftsn_mmaction.experiments.report import write_run_report
from uftsn_mmaction.experiments.report.dumped_config import (
    read_dumped_config,
    stages_of,
)
from uftsn_mmaction.experiments.report.measures import panels

EVIL = '<script>alert(1)</script>"\'&'


class Page(HTMLParser):
    """Rows of the tables, captions of pictures, cards and tags."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.rows, self.stack = [], []
        self.feed(path.read_text(encoding='utf-8'))
        self.text = ' '.join(' '.join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.stack = [tag]
        if tag == 'tr':
            self.rows.append([])

    def handle_data(self, data):
        self.words.append(data)
        if self.stack in (['td'], ['th']) and data.strip():
            self.rows[-1].append(data)

    def pictures(self):
        for name, value in self.attributes:
            if name == 'src':
                data = base64.b64decode(value.partition('base64,')[2])
                yield Image.open(io.BytesIO(data)).convert('RGB')


@pytest.fixture
def page(run):
    """Function that writes the page of the run and reads it."""

    def page(**kwargs):
        write_run_report(run, run / 'report.html', **kwargs)
        return Page(run / 'report.html')

    return page


def test_numbers_come_first_and_from_their_places(page):
    found = page()
    start = found.text[:found.text.index('The flow')]
    # Of the test, then of the last validation with the best one.
    assert 'accuracy, fusion in the test 0.600' in start
    assert 'accuracy 0.400 after epoch 2; best 0.500 after 1' in start
    assert 'AEPE in pixels 1.000 zero flow has 2.000; after epoch 2' in start
    assert ['flow/AEPE', '1', '-'] in found.rows
    assert ['acc/spatial_top1', '-', '0.4'] in found.rows
    assert ['its plan', 'uftsn_small'] in found.rows
    assert ['epochs', '2'] in found.rows


def test_pictures_of_the_last_and_of_the_first_validation(page):
    found = page()
    grey = [np.asarray(picture)[0, 0, 0] for picture in found.pictures()
            if picture.size == (60, 40)]
    assert grey == [200, 100]
    assert found.text.index('a_clip, after epoch 2') < found.text.index(
        'a_clip, after epoch 1')


def test_classes_and_worst_mistakes(page, run):
    (run / 'classes.txt').write_text('run\njump\n<b>\n')
    found = page(classes=str(run / 'classes.txt'))
    rows = [row for row in found.rows if row[0] in ('run', 'jump', '<b>')]
    # The worst one first: accuracy of the spatial stream, and of the fusion.
    assert rows == [['<b>', '1', '0.000', '0.000', 'jump (1)'],
                    ['jump', '2', '0.000', '0.500', 'run (1)'],
                    ['run', '2', '1.000', '1.000', '-']]
    text = found.text
    sure = text.index('jump was taken for run, with 100 %. 2.mp4')
    # Its video is not there.
    assert sure < text.index('<b> was taken for jump, with 37 %. 4.mp4 cannot')
    # Four frames of the other one, 160 pixels high.
    assert [picture.size for picture in found.pictures()
            if picture.size[1] == 160] == [(4 * 240, 160)]


def test_a_rate_rests_with_its_part(run):
    rates = panels(read_history(run))[-1]
    assert rates.name == 'learning rate'
    flow, backbone = (rates.lines[f'{part}_lr']
                      for part in ('flow_estimator', 'backbone'))
    assert [x for x, _ in flow] == [1, 2]
    np.testing.assert_equal([y for _, y in flow], [1e-3, np.nan])
    np.testing.assert_equal([y for _, y in backbone], [np.nan, 2e-4])


def test_a_training_alone_and_a_test_alone(run, tmp_path):
    (run / 'scores.pkl').unlink()
    write_run_report(run, tmp_path / 'new' / 'a.html')
    assert 'taken for' not in Page(tmp_path / 'new' / 'a.html').text
    for path in run.glob('20260101*/vis_data/*.json'):
        path.unlink()
    write_run_report(run, tmp_path / 'b.html')
    assert 'course of training' not in Page(tmp_path / 'b.html').text


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(ValueError, match='holds no log of a run'):
        write_run_report(tmp_path, tmp_path / 'a.html')
    with pytest.raises(FileNotFoundError, match='is no folder'):
        write_run_report(tmp_path / 'none', tmp_path / 'a.html')


def test_whatever_strangers_write_is_text(page, run):
    folder = run / '20260101_000000' / 'vis_data'
    log = folder / 'scalars.json'
    log.write_text(log.read_text() + '\n' + json.dumps(
        {f'acc/{EVIL}_top1': 1, EVIL: 2, 'step': 2}))
    (folder / 'config.py').write_text(f'model = dict(type={EVIL!r})\n')
    (folder / 'vis_image' / 'flow_9_<b>_1.png').write_text('no picture')
    entries = load(str(run / 'scores.pkl'))
    entries[2]['filename'] = f'http://localhost/{EVIL}.mp4'
    entries[4]['filename'] = '/dev/zero'
    dump(entries, str(run / 'scores.pkl'))
    (run / 'classes.txt').write_text(f'{EVIL}\nb\nc\n')
    found = page(classes=str(run / 'classes.txt'))
    assert not {'script', 'b', 'link', 'iframe'} & {*found.tags}
    assert found.text.count(EVIL) > 4
    for name, value in found.attributes:
        assert name not in ('href', 'style') and not name.startswith('on')
        assert name != 'src' or re.match('data:image/(png|jpeg);', value)
    assert 'names no file' in found.text


def test_a_config_is_read_and_not_run(run):
    path = run / '20260101_000000' / 'vis_data' / 'config.py'
    assert stages_of(read_dumped_config(run)) == [
        dict(name='flow', begin=0), dict(name='classifier', begin=1)]
    path.write_text(
        'import os\na = dict(b=[1, (2, None)], c=dict(d=-1.5))\n'
        f'e = open({str(run / "made")!r}, "w")\nf = {{"g": dict(h=1)}}\n')
    assert read_dumped_config(run) == dict(
        a=dict(b=[1, [2, None]], c=dict(d=-1.5)), f=dict(g=dict(h=1)))
    assert not (run / 'made').exists()
    path.write_text('(' * 10_000)
    assert read_dumped_config(run) == {}


def test_shades_of_stages_that_are_none():
    assert stages_of(dict(default_hooks=dict(stages=dict(
        type='StagedTrainingHook', stages='x')))) == []
