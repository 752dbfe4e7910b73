# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from uftsn_mmaction.experiments.benchmark.row import (
    Row,
    definitions,
    to_json,
    to_text,
)
from uftsn_mmaction.experiments.benchmark.settings import (
    BenchmarkSettings,
    Combination,
)
from uftsn_mmaction.experiments.benchmark.workload import Seconds
from uftsn_mmaction.models.flow.precision import PLAIN

SETTINGS = BenchmarkSettings(('first', 'second'))


def seconds(*rounds):
    return [Seconds(total, flow, 2 * total) for total, flow in rounds]


def build(estimator, batch_size=2, **kwargs):
    return Row(estimator, Combination('cpu', (64, 48), batch_size), True,
               1_500_000, **kwargs)


@pytest.fixture
def rows():
    """Three estimators, the last one without memory to run."""
    rows = [
        build('first', rounds=seconds((0.36, 0.18), (0.72, 0.36), (3.6, 1.8))),
        build(
            'second',
            peak_mb=99.6,
            settings='scale=2',
            arithmetic=PLAIN,
            rounds=seconds((0.72, 0.36), (2.16, 0.54), (7.2, 0.72))),
        build('third', failure='out of memory')
    ]
    return [row.values(rows[0]) for row in rows]


def test_the_text_has_a_block_for_each_combination(rows):
    other = build('first', batch_size=1)
    rows.append(other.values(other))
    lines = to_text(rows, SETTINGS).splitlines()
    assert lines[0] == 'cpu, 64x48, batch size 2, 10 frames, 1 thread'
    # The columns are in line.
    assert len({len(line) for line in lines[1:5]}) == 1
    assert lines[1].split() == (
        'estimator params, M GMAC in a clip convolutions ms/pair CPU fps '
        'ratio flow, ms/pair ratio peak, MB').split()
    assert lines[2].split() == ('first 1.5 - - - 40.00 (20.00 to 200.00) '
                                '80.00 25.0 1.00 20.00 1.00 -').split()
    assert lines[3].split() == ('second 1.5 - - float32, contiguous 120.00 '
                                '(40.00 to 400.00) 240.00 8.3 2.00 '
                                '(2.00 to 3.00) 30.00 '
                                '1.50 (0.40 to 2.00) 100').split()
    assert lines[4].split() == ['third', '1.5', *'----------']
    assert lines[5] == 'random weights: first, second, third'
    assert lines[6] == 'no times of third: out of memory'
    assert lines[8] == 'cpu, 64x48, batch size 1, 10 frames, 1 thread'
    assert 'second: scale=2' in lines
    assert max(map(len, lines[lines.index('second: scale=2'):])) <= 79


def test_json_has_a_number_for_each_key(rows):
    row = json.loads(json.dumps(to_json(rows[1]), allow_nan=False))
    assert row['ms_per_pair'] == pytest.approx(120)
    assert row['ms_per_pair_min'] == pytest.approx(40)
    assert row['ms_per_pair_max'] == pytest.approx(400)
    assert row['ratio'] == row['ratio_min'] == pytest.approx(2)
    assert row['ratio_max'] == pytest.approx(3)
    assert row['size'] == [64, 48] and row['peak_mb'] == 99.6
    gap = to_json(rows[2])
    assert gap['ratio'] is gap['ratio_min'] is gap['ms_per_pair_max'] is None
    assert gap['failure'] == 'out of memory'


def test_definitions_follow_the_settings(rows):
    full = definitions(
        BenchmarkSettings(('uftsn', 'dis'), classifier='a.py', repeats=6))
    assert 'to its predictions' in full['ms_per_pair']
    assert 'of 6 rounds' in full['ms_per_pair']
    assert 'of uftsn in the same round' in full['ratio']
    alone = definitions(BenchmarkSettings(('uftsn', )))
    assert 'to its flow, as there is no' in alone['ms_per_pair']
    # Every definition is one of a value of the rows.
    assert set(full) <= set(rows[0])


def test_an_account_follows_the_table(rows):
    account = {'aten::convolution': 3., 'others': 1.}
    row = build('first', rounds=seconds((0.36, 0.18)), account=account)
    lines = to_text([row.values(row)], SETTINGS).splitlines()
    begin = next(number for number, line in enumerate(lines)
                 if line.startswith('operations of first'))
    assert lines[begin + 1].split() == ['aten::convolution', '3.00', '75']
    assert lines[begin + 2].split() == ['others', '1.00', '25']
