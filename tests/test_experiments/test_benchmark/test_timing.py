# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from uftsn_mmaction.experiments.benchmark.timing import (
    describe_failure,
    time_in_turn,
)


class Fake:
    """Takes the number of its call in seconds, half of it for the flow."""

    def __init__(self, name, calls, fails_at=None, error=None):
        self.name, self.calls = name, calls
        self.fails_at, self.error = fails_at, error
        self.count = 0

    def __call__(self):
        self.count += 1
        self.calls.append(self.name)
        if self.count == self.fails_at:
            raise self.error
        return float(self.count), self.count / 2


def test_rounds_go_over_all_in_turn_and_the_warm_up_does_not_count():
    calls = []
    timings = time_in_turn(
        [Fake(name, calls) for name in 'abc'], repeats=3, warmup=2)
    assert ''.join(calls) == 'abc' * 5
    for timing in timings:
        assert timing.seconds == [3, 4, 5]
        assert timing.flow_seconds == [1.5, 2, 2.5]
        assert timing.failure is None


@pytest.mark.parametrize('fails_at', [1, 4])
def test_what_fails_leaves_the_rounds_to_the_others(fails_at):
    calls = []
    broken = Fake('b', calls, fails_at, RuntimeError('CUDA out of memory.'))
    timings = time_in_turn(
        [Fake('a', calls), broken, None, Fake('c', calls)],
        repeats=3,
        warmup=1)
    assert calls.count('b') == fails_at
    assert calls.count('a') == calls.count('c') == 4
    assert timings[1].failure == 'out of memory (CUDA out of memory)'
    # Half the rounds are no result.
    assert timings[1].seconds == timings[1].flow_seconds == []
    assert timings[2].seconds == [] and timings[2].failure is None
    assert len(timings[3].seconds) == 3


def test_a_mistake_in_the_code_is_not_taken_for_a_gap():
    with pytest.raises(KeyError):
        time_in_turn([Fake('a', [], 1, KeyError('x'))], 1, 0)


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
