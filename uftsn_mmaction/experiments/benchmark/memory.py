# SPDX-License-Identifier: Apache-2.0
"""Peak memory of one run."""
from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import torch

from .row import FAILURES, describe_failure
from .settings import BenchmarkSettings, Combination
from .workload import Workload, set_threads

_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')


def cpu_peak_mb(spec: str, combination: Combination,
                settings: BenchmarkSettings) -> float | None:
    """Measure the peak of resident memory of a first run in a new process.

    In this process, memory that the allocator kept from earlier runs would
    hide what the run needs. And if memory does not suffice, the system ends
    the other process, which raises a MemoryError here. The peak is in MB
    (2**20 bytes) above what was resident with model and frames; None where
    the system cannot reset it, as outside of Linux.
    """
    # A child that is forked from a process with threads may hang.
    context = multiprocessing.get_context('spawn')
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(_run_in_child, spec, combination,
                               settings).result()
    except BrokenProcessPool:
        raise MemoryError('the system ended the process') from None


def cuda_peak_mb(run: Workload) -> float:
    """Measure the peak, in MB, of what a warm run makes PyTorch hold."""
    torch.cuda.synchronize(run.device)
    torch.cuda.reset_peak_memory_stats(run.device)
    before = torch.cuda.memory_allocated(run.device)
    run()
    return (torch.cuda.max_memory_allocated(run.device) - before) / 2**20


def _run_in_child(spec: str, combination: Combination,
                  settings: BenchmarkSettings) -> float | None:
    set_threads(combination.threads)
    try:
        run = Workload(spec, combination, settings)
        # Free what the building left, which the run would use unseen.
        gc.collect()
        with contextlib.suppress(AttributeError, OSError):  # glibc alone
            ctypes.CDLL(None).malloc_trim(0)
        before = _reset_peak()
        run()
        return None if before is None else _peak_mb() - before
    except FAILURES as error:
        # Some errors cannot be pickled.
        raise ValueError(describe_failure(error)) from None


def _reset_peak() -> float | None:
    """Restart the peak from what is resident now, and return it."""
    try:
        _CLEAR.write_text('5')
        return _peak_mb()
    except OSError:  # no Linux, or a container that forbids it
        return None


def _peak_mb() -> float:
    # getrusage cannot be reset, and starts with the memory of the parent.
    return int(re.search(r'VmHWM:\s*(\d+) kB', _STATUS.read_text())[1]) / 1024
