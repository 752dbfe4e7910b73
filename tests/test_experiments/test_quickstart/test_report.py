# SPDX-License-Identifier: Apache-2.0
"""The page shows what was measured, whatever that is."""
import base64
import io
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

import uftsn_mmaction
from uftsn_mmaction.experiments.quickstart.report import write_report
from uftsn_mmaction.experiments.quickstart.results import collect_metrics


class Page(HTMLParser):
    """Rows of the tables, alternative texts, words, tags and attributes."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.alts, self.words = [], [], []
        self.tags, self.attributes = [], []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.in_cell = tag in ('td', 'th')
        self.tags.append(tag)
        self.attributes += attrs
        if tag == 'tr':
            self.rows.append([])
        if tag == 'img':
            self.alts.append(dict(attrs)['alt'])

    def handle_endtag(self, tag):
        self.in_cell = False

    def handle_data(self, data):
        self.words.append(data)
        if self.in_cell:
            self.rows[-1].append(data)


@pytest.fixture
def plan(read_plan, tiny_options):
    return read_plan(tiny_options)


@pytest.fixture
def history():
    return {
        epoch: {
            'flow/AEPE': 0.1 * epoch,
            'motion/top1': 0.2 * epoch,
            'acc/top1': 0.11 * epoch
        }
        for epoch in (1, 2, 3)
    }


@pytest.fixture
def results(build_result, fusion_result):
    return dict(
        temporal=build_result(0.45, 0.93, 0.47),
        control=build_result(1.65, 0.31, 0.17),
        tvl1=build_result(0.55, 0, 0),
        fusion=fusion_result)


@pytest.fixture
def write(plan, history, results, tmp_path):
    """Function that writes the page and returns its text and metrics."""

    def write(**changes):
        metrics = collect_metrics(plan, history, results, dict(data=1.5), 2)
        path = tmp_path / 'new' / 'report.html'
        write_report(path, plan, history, results, {**metrics, **changes})
        return path.read_text(encoding='utf-8')

    return write


def test_every_number_comes_from_its_place(plan, history, results):
    metrics = collect_metrics(plan, history, results,
                              dict(data=1.5, tests=2), 2)
    expected = dict(
        aepe_zero=1.25,
        aepe_tvl1=0.55,
        aepe_untrained=1.65,
        aepe_stage1=0.1,
        aepe=0.45,
        motion_acc_chance=1 / 8,
        motion_acc_control=0.31,
        motion_acc_stage2=0.4,
        motion_acc_stage3=0.93,
        top1_chance=1 / 16,
        top1_control=0.17,
        top1_stage2=0.22,
        top1_temporal=0.47,
        top1_spatial=0.12,
        top1_fusion=0.89,
        top1_fusion_prob=0.58)
    assert {key: metrics[key] for key in expected} == pytest.approx(expected)
    assert metrics['epochs'] == dict(stage1=1, stage2=2, stage3=3)
    assert metrics['seconds'] == 3.5
    assert metrics['seconds_of_phases'] == dict(data=1.5, tests=2)
    assert metrics['settings']['seed'] == plan.motion.randomness.seed
    assert metrics['settings']['tvl1']['num_warps'] == 5
    assert metrics['settings']['threads'] == 2
    versions = metrics['settings']['versions']
    assert {'python', 'torch', 'mmengine', 'mmaction2'} <= set(versions)
    assert versions['uftsn_mmaction'] == uftsn_mmaction.__version__


def test_a_start_from_the_box_has_a_row_and_a_picture(
        read_plan, tiny_options, repo_root, history, results, build_result,
        tmp_path):
    config = str(repo_root / 'configs' / 'uftsn_plus_quickstart.py')
    plan = read_plan(tiny_options, config=config)
    results['start'] = build_result(0.35, 0, 0)
    metrics = collect_metrics(plan, history, results, dict(data=1.5), 2)
    write_report(tmp_path / 'report.html', plan, history, results, metrics)
    page = Page((tmp_path / 'report.html').read_text(encoding='utf-8'))
    assert ['the weights in the box, as they come', '0.350', '-',
            '-'] in page.rows
    assert plan.pretrained in page.words


def test_page(write):
    text = write()
    page = Page(text)
    assert len(page.alts) == text.count('data:image/png;base64,') + 1 == 7
    assert all(map(str.strip, page.alts))
    # What moves comes first, and rests for those who ask for it.
    assert page.alts[0].startswith('The frames of 2 test videos')
    assert page.alts[1].startswith('A frame of 2 test videos')
    gif, = re.findall('data:image/gif;base64,([^"]*)', text)
    with Image.open(io.BytesIO(base64.b64decode(gif))) as animation:
        assert animation.n_frames == 3
    assert 'media="(prefers-reduced-motion: reduce)"' in text
    # The numbers come before all explanations.
    start = text[:text.index('<h2>')]
    assert '0.450 px' in start and '93 %' in start and '89 %' in start
    rows = {row[0]: row[1:] for row in page.rows if len(row) == 4}
    assert rows['after stage 2 (classifier)'] == ['0.100', '0.400', '0.220']
    assert rows['after stage 3 (joint)'] == ['0.450', '0.930', '0.470']
    assert ['1.650', '0.310', '0.170'] in rows.values()
    assert rows['guessing'] == ['-', '0.125', '0.062']
    assert rows['fusion of both streams'][-1] == '0.890'
    pairs = dict(row for row in page.rows if len(row) == 2)
    assert pairs['spatial stream'] == '0.120'
    assert pairs['fusion: average of probabilities'] == '0.580'
    assert pairs['data'] == pairs['total'] == '2'
    assert 'num_warps 5' in pairs['TV-L1'] and pairs['seed'] == '0'
    words = ' '.join(' '.join(page.words).split())
    assert 'learned from 16 generated videos and was tested on 8' in words
    # Four samples were tested.
    assert 'changes an accuracy by 0.250' in words


def test_every_row_has_a_head(write):
    for row in re.findall('<tr>(.*?)</tr>', write(), re.DOTALL):
        assert row.count('scope="row"') == 1 or '<td' not in row


def test_pictures_are_those_of_the_figures(write):
    for data in re.findall(r'base64,([^"]*)', write()):
        picture = cv2.imdecode(
            np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert min(picture.shape[:2]) > 100 and picture.std() > 0


def test_text_stays_text(write):
    evil = '<script>alert("x")</script> & \'quotes"'
    page = Page(write(settings=dict(
        config=evil, cfg_options=[evil], seed=evil, device=evil, threads=1,
        tvl1={evil: 1}, versions={evil: evil})))
    assert 'script' not in page.tags
    # Five values and a name are the text alone, one is followed by a number.
    assert page.words.count(evil) == 6 and f'{evil} 1' in page.words


def test_nothing_is_loaded_from_elsewhere(write):
    text = write()
    page = Page(text)
    assert not {'link', 'script', 'iframe'} & set(page.tags)
    for name, value in page.attributes:
        assert name not in ('href', 'style') and not name.startswith('on')
        assert name not in ('src', 'srcset') or re.match(
            'data:image/(png|gif|jpeg);base64,', value)
    assert 'url(' not in text and '@import' not in text
    assert "default-src 'none'" in text


def test_a_failure_leaves_the_old_report(write, tmp_path):
    before = write()
    with pytest.raises(UndefinedError):
        write(settings={})
    path, = (tmp_path / 'new').iterdir()
    assert path.read_text(encoding='utf-8') == before


def test_a_failed_training_has_a_page_too(write, results, build_result):
    results['temporal'] = build_result(float('nan'), 0., 0.)
    rows = [row for row in Page(write()).rows
            if row[:1] == ['after stage 3 (joint)']]
    assert rows == [['after stage 3 (joint)', '-', '0.000', '0.000']]
