# SPDX-License-Identifier: Apache-2.0
import json
import math

import pytest

from uftsn_mmaction.experiments.table import Column, Spread, Table, json_value

COLUMNS = (Column('name', 'flow'), Column('error', 'AEPE, px'),
           Column('top1', 'accuracy, %', '.1f', scale=100),
           Column('time', 'ms/pair', '.2f', center='median'))


@pytest.fixture
def table():
    table = Table(COLUMNS)
    table.add(
        name='a|b',
        error=0.1234,
        top1=Spread.of([0.8, 0.9]),
        time=Spread.of([10, 20, 60]))
    table.add(name='gap', top1=Spread.of([0.5]), error=math.nan)
    return table


def test_statistics_are_those_of_hand_computation():
    spread = Spread.of([1, 2, 6])
    assert (spread.mean, spread.median, spread.min, spread.max) == (3, 2, 1, 6)
    assert spread.std == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert Spread.of([2.]).std is None


@pytest.mark.parametrize('values', [[], [1, None], [1, math.nan],
                                    [1, math.inf]])
def test_fewer_repetitions_have_no_statistics(values):
    assert Spread.of(values) is None


def test_text_is_aligned_and_shows_gaps(table):
    lines = table.to_text().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith('a|b ')
    assert lines[1].split()[1:] == [
        '0.123', *'85.0 ± 7.1 (80.0 to 90.0)'.split(),
        *'20.00 (10.00 to 60.00)'.split()
    ]
    assert lines[2].split() == ['gap', 'nan', '50.0', '-']


def test_markdown_has_a_cell_for_each_column(table):
    lines = table.to_markdown().splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split(' | ')]
            for line in lines[2:]]
    assert rows == [[
        r'a\|b', '0.123', '85.0 ± 7.1 (80.0 to 90.0)', '20.00 (10.00 to 60.00)'
    ], ['gap', 'nan', '50.0', '-']]
    assert lines[1].startswith('|:--') and lines[1].endswith('--:|')


def test_json_has_no_spread_and_no_nan(table):
    rows = json.loads(
        json.dumps([json_value(row) for row in table.rows], allow_nan=False))
    assert rows[0]['error'] == 0.1234
    assert rows[0]['top1'] == pytest.approx(
        dict(
            mean=0.85,
            std=0.1 / math.sqrt(2),
            median=0.85,
            min=0.8,
            max=0.9))
    assert rows[1]['error'] is None
    assert json_value({'a': {'b': math.inf}, 'c': 'x'}) == {
        'a': {'b': None}, 'c': 'x'}


def test_a_value_without_a_column_is_refused(table):
    with pytest.raises(ValueError, match='recall'):
        table.add(name='x', recall=1)
    assert len(table.rows) == 2


def test_a_table_without_rows_has_headings():
    for text in (Table(COLUMNS).to_text(), Table(COLUMNS).to_markdown()):
        assert all(column.head in text for column in COLUMNS)
