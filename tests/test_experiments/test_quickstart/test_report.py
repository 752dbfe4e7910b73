# SPDX-License-Identifier: Apache-2.0
"""The page shows what was measured, whatever that is."""
from html.parser import HTMLParser

import numpy as np
import pytest

from uftsn_mmaction.experiments.quickstart.fusion_result import FusionResult
from uftsn_mmaction.experiments.quickstart.metrics import collect_metrics
from uftsn_mmaction.experiments.quickstart.plan import QuickstartPlan
from uftsn_mmaction.experiments.quickstart.report import (
    write_quickstart_report,
)
from uftsn_mmaction.experiments.quickstart.testing import StreamResult


class Page(HTMLParser):
    """Rows of the tables, alternative texts and all words."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.alts, self.words = [], [], []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.in_cell = tag in ('td', 'th')
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


def result(aepe, motion, top1, labels=(0, 3)):
    """A test of four samples, two flows of it kept."""
    return StreamResult(
        {
            'flow/AEPE_zero': 1.25,
            'flow/AEPE': aepe,
            'motion/top1': motion,
            'acc/top1': top1
        },
        np.eye(16, dtype=np.float32)[:4],
        np.arange(4),
        np.array(labels),
        frames=np.zeros((2, 32, 32, 3), np.uint8),
        gt_flows=np.ones((2, 2, 32, 32), np.float32),
        flows=np.zeros((2, 2, 32, 32), np.float32))


@pytest.fixture
def plan(config_file, tiny_options):
    return QuickstartPlan.from_file(config_file, options=tiny_options)


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
def results():
    return dict(
        temporal=result(0.45, 0.93, 0.47),
        control=result(1.65, 0.31, 0.17),
        tvl1=result(0.55, 0, 0))


@pytest.fixture
def fusion():
    return FusionResult(
        {
            'acc/spatial_top1': 0.12,
            'acc/temporal_top1': 0.47,
            'acc/fusion_top1': 0.89,
            'acc/fusion_prob_top1': 0.58
        },
        {name: np.eye(16, dtype=np.float32)
         for name in ('spatial', 'temporal', 'fusion', 'fusion_prob')},
        np.arange(16))


def test_every_number_comes_from_its_place(plan, history, results, fusion):
    metrics = collect_metrics(plan, history, results, fusion,
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
    assert metrics['settings']['seed'] == plan.cfg.randomness.seed
    assert metrics['settings']['tvl1']['num_warps'] == 5


def test_page(plan, history, results, fusion, tmp_path):
    metrics = collect_metrics(plan, history, results, fusion, dict(data=1.5),
                              2)
    path = write_quickstart_report(tmp_path / 'report.html', plan, history,
                                   results, fusion, metrics)
    text = path.read_text(encoding='utf-8')
    page = Page(text)
    assert len(page.alts) == text.count('data:image/png;base64,') == 6
    assert page.alts[0].startswith('A frame of 2 test videos')
    rows = {row[0]: row[1:] for row in page.rows if len(row) == 4}
    assert rows['after stage 2 (classifier)'] == ['0.100', '0.400', '0.220']
    assert rows['after stage 3 (joint)'] == ['0.450', '0.930', '0.470']
    assert ['1.650', '0.310', '0.170'] in rows.values()
    assert rows['fusion of both streams'][-1] == '0.890'
    pairs = dict(row for row in page.rows if len(row) == 2)
    assert pairs['spatial stream'] == '0.120'
    assert pairs['fusion: average of probabilities'] == '0.580'
    words = ' '.join(page.words)
    assert 'learned from 16 generated videos and was tested on 8' in words
    # Four samples were tested.
    assert 'changes an accuracy by 0.250' in words


def test_a_failed_training_has_a_page_too(plan, history, results, fusion,
                                          tmp_path):
    results['temporal'] = result(float('nan'), 0., 0.)
    metrics = collect_metrics(plan, history, results, fusion, {}, 1)
    path = write_quickstart_report(tmp_path / 'report.html', plan, history,
                                   results, fusion, metrics)
    rows = [row for row in Page(path.read_text('utf-8')).rows
            if row[:1] == ['after stage 3 (joint)']]
    assert rows == [['after stage 3 (joint)', '–', '0.000', '0.000']]
