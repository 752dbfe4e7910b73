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

from .machine import set_threads
from .settings import BenchmarkSettings, Combination
from .timing import FAILURES, describe_failure
from .workload import Workload

_MB = 2**20
_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')


class MemoryRunFailed(RuntimeError):
    """The run whose memory was to be measured failed."""


def cpu_peak_mb(spec: str, combination: Combination,
                settings: BenchmarkSettings) -> float | None:
    """Peak of the resident memory of a first run, in a process of its own.

    The peak belongs to a process, and memory that an earlier run left in the
    allocator's hands would hide what the next one needs. A process that the
    system ends for want of memory also leaves this one alone.

    Args:
        spec: Specification of the estimator.
        combination: Size and batch size, on the CPU.
        settings: Classifier, clip length and threads.

    Returns:
        MB (2**20 bytes) above what was resident once model and frames were
        there; None on systems other than Linux, and where the system does
        not let the peak start anew.

    Raises:
        MemoryRunFailed: The run failed, or the system ended the process.
    """
    # Forked from a process with threads, a child may hang.
    context = multiprocessing.get_context('spawn')
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            peak, failure = pool.submit(_run_in_child, spec, combination,
                                        settings).result()
    except BrokenProcessPool:
        failure = ('out of memory (the system ended the process that measured '
                   'the memory)')
    if failure:
        raise MemoryRunFailed(failure)
    return peak


def cuda_peak_mb(run: Workload) -> float:
    """Peak of what PyTorch holds on a GPU during one run.

    Args:
        run: Built and warmed up.

    Returns:
        MB (2**20 bytes) above what was held before.
    """
    device = run.device
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    return (torch.cuda.max_memory_allocated(device) - before) / _MB


def _run_in_child(
        spec: str, combination: Combination, settings: BenchmarkSettings
) -> tuple[float | None, str | None]:
    """Peak, or why there is none; some errors survive no pickle."""
    set_threads(settings.threads)
    try:
        run = Workload(spec, combination, settings)
        _give_back_memory()
        before = _reset_peak()
        run()
        after = _peak_mb()
    except FAILURES as error:
        return None, describe_failure(error)
    if before is None or after is None:
        return None, None
    return after - before, None


def _give_back_memory() -> None:
    """Free what the building left, which the run would use unseen."""
    gc.collect()
    # Of glibc alone; others keep little.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> float | None:
    """Let the peak begin at what is resident now, and return it."""
    try:
        _CLEAR.write_text('5')
    except OSError:  # some containers forbid it
        return None
    return _peak_mb()


def _peak_mb() -> float | None:
    """Highest resident memory of this process.

    Not ``getrusage``: what it says of a new process begins with the memory
    of its parent.
    """
    try:
        found = re.search(r'^VmHWM:\s*(\d+) kB$', _STATUS.read_text(),
                          re.MULTILINE)
    except OSError:
        return None
    return int(found.group(1)) / 1024 if found else None
