# SPDX-License-Identifier: Apache-2.0
import mmap
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from uftsn_mmaction.experiments.benchmark import memory
from uftsn_mmaction.experiments.benchmark.memory import (
    cpu_peak_mb,
    cuda_peak_mb,
)
from uftsn_mmaction.experiments.benchmark.settings import (
    BenchmarkSettings,
    Combination,
)
from uftsn_mmaction.experiments.benchmark.workload import Workload

SETTINGS = BenchmarkSettings(('zero', ))
# The floats of these clips alone.
LARGE = Combination('cpu', (512, 512), 8, clip_len=3)
LARGE_MB = 4 * 8 * 3 * 3 * 512 * 512 / 2**20


class Pool:
    """In place of a pool, with its answer or its end."""

    answer = None

    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def submit(self, *args):
        future = Future()
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer)
        return future


@pytest.mark.slow
@pytest.mark.skipif(
    not memory._STATUS.exists(), reason='the peak is read from /proc')
def test_a_run_needs_what_its_floats_need():
    peak = cpu_peak_mb('zero', LARGE, SETTINGS)
    # The 8-bit batch, and the floats before and after a division; neither
    # Python nor PyTorch, which are ten times that.
    assert LARGE_MB < peak < 4 * LARGE_MB


def test_a_run_that_fails_tells_why():
    tiny = Combination('cpu', (16, 16), 1)
    with pytest.raises(ValueError, match='16x16'):
        memory._run_in_child('uftsn_small', tiny, SETTINGS)


def test_the_answer_of_the_process_is_that_of_the_run(monkeypatch):
    monkeypatch.setattr(memory, 'ProcessPoolExecutor', Pool)
    monkeypatch.setattr(Pool, 'answer', 12.5)
    assert cpu_peak_mb('zero', LARGE, SETTINGS) == 12.5
    monkeypatch.setattr(Pool, 'answer', ValueError('too small'))
    with pytest.raises(ValueError, match='too small'):
        cpu_peak_mb('zero', LARGE, SETTINGS)
    # The system ends a process for want of memory.
    monkeypatch.setattr(Pool, 'answer', BrokenProcessPool('ended'))
    with pytest.raises(MemoryError):
        cpu_peak_mb('zero', LARGE, SETTINGS)


def touch(megabytes):
    """Use memory of the system's own, which is gone at once.

    What malloc gives may have been resident before.
    """
    with mmap.mmap(-1, megabytes * 2**20) as memory_map:
        for page in range(0, len(memory_map), mmap.PAGESIZE):
            memory_map[page] = 1


@pytest.mark.skipif(
    not memory._STATUS.exists(), reason='the peak is read from /proc')
def test_a_peak_before_the_run_does_not_count():
    touch(160)
    high = memory._peak_mb()
    before = memory._reset_peak()
    if before is None:
        pytest.skip('this system cannot reset the peak')
    assert before < high - 100
    touch(40)
    assert memory._peak_mb() > before + 30


@pytest.mark.parametrize('missing', ['_STATUS', '_CLEAR'])
def test_a_system_without_proc_has_a_gap(monkeypatch, tmp_path, missing):
    monkeypatch.setattr(memory, missing, tmp_path / 'no' / 'file')
    assert memory._reset_peak() is None
    small = Combination('cpu', (32, 32), 1)
    threads = torch.get_num_threads()
    assert memory._run_in_child('zero', small, SETTINGS) is None
    assert torch.get_num_threads() == small.threads == threads


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU here')
def test_a_gpu_needs_what_the_floats_need():
    run = Workload(
        'zero', Combination('cuda', (512, 512), 8, clip_len=3), SETTINGS)
    run()
    assert LARGE_MB < cuda_peak_mb(run) < 4 * LARGE_MB
