# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from uftsn_mmaction.experiments.comparison.compare import FlowResults
from uftsn_mmaction.experiments.comparison.entrants import Entrant


def rows_of(table):
    """Cells of the headings and of the rows."""
    lines = table.to_markdown().splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in lines]
    assert all(set(cell) <= set(':-') for cell in rows[1])
    return [rows[0], *rows[2:]]


def build(*seeds):
    return FlowResults([Entrant('dis', 'dis', {})], seeds)


def test_columns_are_those_that_were_measured():
    table = build(0, 5)
    for seed, top1 in ((0, 0.8), (5, 0.9)):
        table.add('dis', seed, {'acc/top1': top1})
    assert rows_of(table) == [['estimator', 'accuracy, %', 'seeds'],
                              ['dis', '85.0 ± 7.1 (80.0 to 90.0)', '0, 5']]
    assert table.summary('dis', 'flow/AEPE') is None
    table = build(0)
    table.add('dis', 0, {'acc/top1': 0.5, 'motion/top1': 0.75,
                         'flow/AEPE': 0.1234, 'acc/top5': 1.0})
    assert rows_of(table) == [
        [
            'estimator', 'AEPE, px', 'motion accuracy, %', 'accuracy, %',
            'seeds'
        ],
        ['dis', '0.123', '75.0', '50.0', '0'],
    ]
    summary = table.summary('dis', 'acc/top1')
    assert summary.mean == summary.min == summary.max == 0.5
    assert summary.std is None


def test_a_table_without_numbers_is_one_of_gaps():
    table = build(0)
    table.fail(('dis', 0), 'no disk')
    assert rows_of(table)[-1] == ['dis', '-', '0']
    assert table.to_dict()['failures'] == [
        dict(estimator='dis', seed=0, reason='no disk')
    ]


def test_an_accuracy_is_needed():
    with pytest.raises(ValueError, match='acc/top1'):
        build(0).add('dis', 0, {'flow/AEPE': 1.0})


def test_flow_that_is_not_finite_leaves_a_gap():
    table = build(0, 1)
    for seed, error in ((0, 0.5), (1, float('nan'))):
        table.add('dis', seed, {'acc/top1': 0.5, 'flow/AEPE': error})
    assert rows_of(table)[-1] == ['dis', '-', '50.0', '0, 1']
    row, = json.loads(json.dumps(table.to_dict(), allow_nan=False))['rows']
    assert row['by_seed']['0']['flow/AEPE'] == 0.5
    assert row['by_seed']['1'] == {'acc/top1': 0.5, 'flow/AEPE': None}
