# SPDX-License-Identifier: Apache-2.0
"""Rows, means and table of an evaluation, against hand computation."""
import json
import math

import numpy as np
import pytest

from uftsn_mmaction.experiments.flow_report import (
    METRICS,
    UNEXPLAINED,
    FlowReport,
)

KEYS = [column.key for column in METRICS]
OTHER_KEYS = [column.key for column in UNEXPLAINED]


def constant(u, v, size=(4, 4)):
    return np.stack([np.full(size, u), np.full(size, v)]).astype(np.float32)


@pytest.fixture
def report():
    """Pair a is four times as large as b; zero is off by 5 and by 2 px."""
    report = FlowReport(['zero', 'c++'])
    gts = dict(a=constant(3, 4, (8, 8)), b=constant(1.2, 1.6))
    for pair, gt in gts.items():
        report.add('zero', pair, np.zeros_like(gt), gt)
        report.add('c++', pair, gt + constant(1, 0, gt.shape[1:]), gt)
    return report


def cells(report, estimator):
    """Cells of a row of the table."""
    line, = (line for line in report.to_text().splitlines()
             if line.startswith(estimator + ' '))
    return line.split()[1:]


def test_a_constant_error_of_3_and_4_pixels_is_an_aepe_of_5():
    report = FlowReport(['x'])
    report.add('x', 'pair', constant(3, 4), constant(0, 0))
    row, = report.rows
    assert row['AEPE'] == row['AEPE_small'] == 5
    assert row['Fl_all'] == 100
    assert 'AEPE_medium' not in row and 'AEPE_boundary' not in row
    assert cells(report, 'x') == ['5.000', '100.000', '5.000', '-', '-']


def test_unknown_pixels_do_not_count():
    gt, flow = constant(0, 0), constant(0, 0)
    flow[0, 0] = 3
    gt[0, 0] = np.nan
    flow[0, 1, 1] = 1
    # What is estimated where nothing is known may be anything.
    flow[0, 0, 0] = np.nan
    report = FlowReport(['x'])
    report.add('x', 'pair', flow, gt)
    row, = report.rows
    assert row['known_pixels'] == 12 and row['non_finite_pixels'] == 0
    assert row['AEPE'] == pytest.approx(1 / 12)
    assert row['Fl_all'] == 0


def test_columns_split_the_pixels_by_their_true_motion():
    gt, flow = constant(0, 0, (10, 20)), constant(0, 0, (10, 20))
    gt[0, :, 10:] = 2
    flow[0, :, :10] = 0.5  # off by 0.5 where nothing moves
    flow[0, :, 10:] = 1  # off by 1 in the moving half
    report = FlowReport(['x'])
    report.add('x', 'pair', flow, gt)
    row, = report.rows
    assert [row[name] for name in KEYS] == [0.75, 0, 0.5, 1, 0.75]
    flow[0, :, 10:13] = -8  # within 3 px of the boundary
    report.add('x', 'pair', flow, gt)
    row = report.rows[-1]
    assert row['AEPE_medium'] == pytest.approx((3 * 10 + 7 * 1) / 10)
    assert row['AEPE_boundary'] == pytest.approx((10 + 0.5) / 2)
    assert row['Fl_all'] == pytest.approx(100 * 3 / 20)


def test_means_are_over_pairs_and_pooled_ones_over_pixels(report):
    # 5 px on 64 pixels, 2 px on 16.
    assert report.means('zero')['AEPE'] == pytest.approx(3.5)
    assert report.pooled('zero')['AEPE'] == pytest.approx(4.4)
    assert report.means('zero')['Fl_all'] == pytest.approx(50)
    assert report.pooled('zero')['Fl_all'] == pytest.approx(80)
    assert report.means('c++')['AEPE'] == pytest.approx(1)
    # No pixel of either pair moves so little.
    assert 'AEPE_small' not in report.means('zero')


def test_a_pair_without_such_pixels_does_not_change_a_mean():
    report = FlowReport(['x'])
    report.add('x', 'fast', constant(0, 0), constant(8, 0))
    report.add('x', 'slow', constant(0, 0), constant(0.5, 0))
    assert report.means('x')['AEPE'] == 4.25
    assert report.means('x')['AEPE_small'] == 0.5
    mean, = report.to_dict()['means']
    assert mean['num_pairs'] == dict(
        AEPE=2, Fl_all=2, AEPE_small=1, AEPE_medium=0, AEPE_boundary=0,
        photometric=0, photometric_zero=0, forward_backward=0)


def test_table_and_json_agree(report):
    content = json.loads(json.dumps(report.to_dict()))
    assert [(row['estimator'], row['pair']) for row in content['rows']] == [
        ('zero', 'a'), ('c++', 'a'), ('zero', 'b'), ('c++', 'b')
    ]
    assert [mean['estimator'] for mean in content['means']] == ['zero', 'c++']
    for mean in content['means']:
        name = mean['estimator']
        shown = [
            '-' if mean['mean_over_pairs'][key] is None else
            f"{mean['mean_over_pairs'][key]:.3f}" for key in KEYS
        ]
        assert list(mean['mean_over_pairs']) == KEYS + OTHER_KEYS
        assert cells(report, name) == shown
        values = [
            row['AEPE'] for row in content['rows'] if row['estimator'] == name
        ]
        assert mean['mean_over_pairs']['AEPE'] == pytest.approx(
            sum(values) / 2)
    text = report.to_text()
    assert 'Mean over 2 pairs' in text
    assert 'within 3 px of a motion boundary' in text.replace('\n', ' ')


def test_an_estimate_that_is_not_finite_shows_everywhere():
    flow = constant(0, 0)
    flow[0, 0, 0] = np.nan
    flow[1, 1, 1] = np.inf
    report = FlowReport(['bad', 'good'])
    report.add('bad', 'pair', flow, constant(0, 0))
    report.add('good', 'pair', constant(0, 0), constant(0, 0))
    assert report.rows[0]['non_finite_pixels'] == 2
    assert not math.isfinite(report.rows[0]['AEPE'])
    assert cells(report, 'bad')[0] in ('nan', 'inf')
    assert report.rows[0]['Fl_all'] == 100 * 2 / 16
    notes = [
        line for line in report.to_text().splitlines()
        if line.startswith(('bad: ', 'good: '))
    ]
    assert len(notes) == 1 and notes[0].startswith('bad: ')
    assert "1 pairs, first in 'pair'" in notes[0]
    # No NaN, which is no JSON.
    content = json.dumps(report.to_dict(), allow_nan=False)
    assert json.loads(content)['rows'][0]['AEPE'] is None


def test_a_flow_of_another_size_is_refused():
    report = FlowReport(['x'])
    with pytest.raises(ValueError, match=r'\(1, 2, 1, 2, 2\)'):
        report.add('x', 'pair', constant(0, 0, (2, 2)), constant(0, 0))


def test_pairs_of_several_folders_have_a_mean_for_each():
    report = FlowReport(['still'])
    flow = np.zeros((2, 8, 8), np.float32)
    for pair, error in (('a/x/1', 1.), ('a/y/1', 3.), ('b/1', 8.)):
        report.add('still', pair, flow, flow + [[[error]], [[0.]]])
    cells = [line.split() for line in report.to_text().splitlines()]
    assert ['AEPE,', 'px', 'a', '(2)', 'b', '(1)'] in cells
    assert ['still', '2.000', '8.000'] in cells
    assert report.means('still')['AEPE'] == pytest.approx(4.)


def test_pairs_without_a_known_flow_have_their_own_table(report):
    errors = dict(photometric=1, photometric_zero=4, forward_backward=0.25)
    for pair in ('run/c', 'jump/d'):
        report.add_unknown('zero', pair, constant(0, 0), errors)
    assert report.means('zero')['AEPE'] == 3.5
    assert report.means('zero')['photometric_zero'] == 4
    text = report.to_text()
    # The second table begins with its heading, and has what follows.
    start = text.index('photometric, grey levels')
    assert 'Mean over 2 pairs' in text[:start]
    unknown = text[start:]
    assert 'AEPE' not in unknown and 'Mean over 2 pairs' in unknown
    assert 'run (1)' in unknown and 'jump (1)' in unknown
