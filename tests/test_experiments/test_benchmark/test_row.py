# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from uftsn_mmaction.experiments.benchmark.counting import PairMacs
from uftsn_mmaction.experiments.benchmark.row import (
    Row,
    describe_failure,
    time_in_turn,
)
from uftsn_mmaction.experiments.benchmark.settings import Combination
from uftsn_mmaction.experiments.benchmark.workload import Seconds
from uftsn_mmaction.experiments.table import Spread


class Fake:
    """Takes the number of its call in seconds, half of it for the flow.

    Twice as much of the CPU.
    """

    def __init__(self, name, calls, fails_at=None, error=None):
        self.name, self.calls = name, calls
        self.fails_at, self.error = fails_at, error
        self.count = 0

    def __call__(self):
        self.count += 1
        self.calls.append(self.name)
        if self.count == self.fails_at:
            raise self.error
        return Seconds(self.count, self.count / 2, 2 * self.count)


def build(name, **kwargs):
    return Row(name, Combination('cpu', (64, 48), 2), True, 1_500_000,
               **kwargs)


def seconds(*rounds):
    return [Seconds(total, flow, 2 * total) for total, flow in rounds]


@pytest.fixture
def rows():
    """Two estimators with three rounds; the last machine was slow."""
    return [
        build('first', rounds=seconds((0.36, 0.18), (0.72, 0.36), (3.6, 1.8))),
        build(
            'second',
            macs=PairMacs(4_000_000_000, 760_000_000),
            rounds=seconds((0.72, 0.36), (2.16, 0.54), (7.2, 0.72)))
    ]


def test_rounds_go_over_all_in_turn_and_the_warm_up_does_not_count():
    calls, rows = [], [build(name) for name in 'abc']
    time_in_turn(rows, [Fake(name, calls) for name in 'abc'], 3, warmup=2)
    assert ''.join(calls) == 'abc' * 5
    for row in rows:
        assert row.rounds == [(3, 1.5, 6), (4, 2, 8), (5, 2.5, 10)]
        assert row.failure is None


@pytest.mark.parametrize('fails_at', [1, 4])
def test_what_fails_leaves_the_rounds_to_the_others(fails_at):
    calls = []
    broken = Fake('b', calls, fails_at, RuntimeError('CUDA out of memory.'))
    rows = [build('a'), build('b'), build('x', failure='early'), build('c')]
    time_in_turn(
        rows, [Fake('a', calls), broken, None, Fake('c', calls)], 3, warmup=1)
    assert calls.count('b') == fails_at
    assert calls.count('a') == calls.count('c') == 4
    assert rows[1].failure == 'out of memory (CUDA out of memory)'
    # Half of the rounds are no result, and an earlier reason is not lost.
    assert rows[1].rounds == rows[2].rounds == []
    assert rows[2].failure == 'early'
    assert len(rows[3].rounds) == 3


def test_a_mistake_in_the_code_is_not_taken_for_a_gap():
    with pytest.raises(KeyError):
        time_in_turn([build('a')], [Fake('a', [], 1, KeyError('x'))], 1, 0)


def test_times_are_of_one_pair(rows):
    first, second = (row.values(rows[0]) for row in rows)
    # 2 clips of 9 pairs take 0.36, 0.72 and 3.6 seconds.
    assert first['ms_per_pair_rounds'] == pytest.approx([20, 40, 200])
    assert first['ms_per_pair'].median == pytest.approx(40)
    assert first['ms_per_pair'].min == pytest.approx(20)
    assert first['ms_per_pair'].max == pytest.approx(200)
    assert first['ms_per_pair_flow'] == pytest.approx(20)
    assert first['cpu_ms_per_pair'] == pytest.approx(80)
    assert first['fps'] == pytest.approx(25)
    assert second['ms_per_pair'].median == pytest.approx(120)
    assert first['gmac'] is first['gmac_elementwise'] is None
    assert (second['gmac'], second['gmac_elementwise']) == (4.76, 0.76)
    assert second['params_m'] == 1.5
    assert second['size'] == (64, 48) and second['batch_size'] == 2


def test_ratios_are_taken_within_a_round(rows):
    values = [row.values(rows[0]) for row in rows]
    first, second = (of_row['ratio'] for of_row in values)
    assert (first.min, first.median, first.max) == (1, 1, 1)
    # 2, 3 and 2; the medians alone would say 3.
    assert second.median == second.min == pytest.approx(2)
    assert second.max == pytest.approx(3)
    # That of the flow alone is another one.
    assert values[1]['ratio_flow'].median == pytest.approx(1.5)
    assert values[1]['ratio_flow'].min == pytest.approx(0.4)


def test_a_failure_leaves_gaps(rows):
    gone = build('gone', failure='out of memory')
    values = gone.values(rows[0])
    assert values['failure'] == 'out of memory'
    assert values['ms_per_pair'] is values['fps'] is values['ratio'] is None
    # Without the first one there are times, but no ratios.
    values = rows[1].values(gone)
    assert isinstance(values['ms_per_pair'], Spread)
    assert values['ratio'] is None


def test_failures_are_one_line():
    text = describe_failure(
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate "
                     'memory: you tried to allocate 9 bytes.\nframe #0'))
    assert text.startswith('out of memory ([enforce fail]')
    assert 'frame' not in text
    assert describe_failure(MemoryError()) == 'out of memory (MemoryError)'
    assert describe_failure(ValueError('too small.\nmore')) == 'too small'
    with pytest.raises(cv2.error) as caught:
        cv2.cvtColor(np.zeros((0, 0, 3), np.uint8), cv2.COLOR_RGB2GRAY)
    text = describe_failure(caught.value)
    assert text.startswith('error: ') and '\n' not in text
