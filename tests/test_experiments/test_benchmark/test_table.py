# SPDX-License-Identifier: Apache-2.0
import pytest

from uftsn_mmaction.experiments.benchmark.row import Row, add_times
from uftsn_mmaction.experiments.benchmark.settings import BenchmarkSettings
from uftsn_mmaction.experiments.benchmark.table import (
    definitions,
    machine_line,
    to_legend,
    to_text,
)
from uftsn_mmaction.experiments.benchmark.timing import Timing


def row(estimator, batch_size=2, **kwargs):
    return Row(estimator, 'cpu', (64, 48), batch_size, True, 1.5, **kwargs)


@pytest.fixture
def rows():
    """Three estimators, the last one without memory to run."""
    rows = [row('first'), row('second', gmac=4.76, peak_mb=99.6), row('third')]
    add_times(
        rows,
        [
            # The machine was ten times slower in the last round.
            Timing([0.36, 0.72, 3.6], [0.18, 0.36, 1.8]),
            Timing([0.72, 2.16, 7.2], [0.36, 0.54, 0.72]),
            Timing(failure='out of memory')
        ],
        pairs=9)
    return rows


def test_times_are_of_one_pair(rows):
    first, second, _ = rows
    # 2 clips of 9 pairs take 0.36, 0.72 and 3.6 seconds.
    assert first.ms_per_pair_rounds == pytest.approx([20, 40, 200])
    assert first.ms_per_pair == pytest.approx(40)
    assert first.ms_per_pair_min == pytest.approx(20)
    assert first.ms_per_pair_max == pytest.approx(200)
    assert first.ms_per_pair_flow == pytest.approx(20)
    assert first.fps == pytest.approx(25)
    assert second.ms_per_pair == pytest.approx(120)


def test_ratios_are_taken_within_a_round(rows):
    first, second, _ = rows
    assert (first.ratio_min, first.ratio, first.ratio_max) == (1, 1, 1)
    # 2, 3 and 2; the medians alone would say 3.
    assert second.ratio == pytest.approx(2)
    assert second.ratio_min == pytest.approx(2)
    assert second.ratio_max == pytest.approx(3)


def test_a_failure_leaves_a_gap_and_its_reason(rows):
    third = rows[2]
    assert third.failure == 'out of memory'
    assert third.ms_per_pair is third.fps is third.ratio is None
    # An earlier reason is not lost.
    early = row('early', failure='too small')
    add_times([early], [Timing()], pairs=9)
    assert early.failure == 'too small'


def test_without_the_first_there_are_times_but_no_ratios():
    rows = [row('gone'), row('there')]
    add_times(rows, [Timing(failure='x'), Timing([1.8], [0.9])], pairs=9)
    assert rows[1].ms_per_pair == pytest.approx(100)
    assert rows[1].ratio is rows[1].ratio_min is None


def test_the_table_has_a_block_for_each_combination(rows):
    rows.append(row('first', batch_size=1))
    lines = to_text(rows).splitlines()
    assert lines[0] == 'cpu, 64x48, batch size 2'
    assert lines[1].split() == [
        'params', 'M', 'GMAC', 'ms/pair', '(min..max)', 'flow', 'fps', 'ratio',
        '(min..max)', 'peak', 'MB'
    ]
    assert lines[2].split() == [
        'first', '1.5', '-', '40.00', '(20.00..200.00)', '20.00', '25.0',
        '1.00', '(1.00..1.00)', '-'
    ]
    assert lines[3].split() == [
        'second', '1.5', '4.76', '120.00', '(40.00..400.00)', '30.00', '8.3',
        '2.00', '(2.00..3.00)', '100'
    ]
    assert lines[4].split() == ['third', '1.5', *'-----', '-']
    # The columns are in line.
    assert len({len(line) for line in lines[1:5]}) == 1
    assert lines[5] == 'random weights: first, second, third'
    assert lines[6] == 'no times of third: out of memory'
    assert lines[8] == 'cpu, 64x48, batch size 1'


def test_definitions_follow_the_settings():
    full = definitions(
        BenchmarkSettings(('uftsn', 'dis'), classifier='a.py', clip_len=6))
    assert 'to its predictions' in full['ms_per_pair']
    assert 'a clip of 6 frames has 5' in full['ms_per_pair']
    assert 'of uftsn in the same round' in full['ratio']
    alone = definitions(BenchmarkSettings(('uftsn', )))
    assert 'to its flow, as there is no' in alone['ms_per_pair']
    # Every definition is one of a column of the rows.
    assert set(full) <= set(Row.__dataclass_fields__)
    assert max(map(len, to_legend(full).splitlines())) <= 79


def test_versions_processors_and_threads_are_shown():
    text = machine_line(
        dict(
            cpu='Fast 3000',
            cpu_count=2,
            gpus={'cuda:0': 'Wide 1'},
            threads_in_use=dict(torch=1, opencv=4),
            versions=dict(torch='2.9', cuda=None)))
    assert text.splitlines() == [
        'Fast 3000, 2 cores; cuda:0: Wide 1', 'threads: torch 1, opencv 4',
        'torch 2.9'
    ]
