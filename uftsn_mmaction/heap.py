# SPDX-License-Identifier: Apache-2.0
"""Memory that stays with a process after it was freed."""
from __future__ import annotations

import ctypes
import os

# Parameters of mallopt(3) in glibc's malloc.h, and their largest value.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_LARGEST = 2**31 - 1


def keep_heap() -> bool:
    """Let glibc keep freed tensors instead of returning them to the system.

    By default ``malloc`` maps each large tensor anew and unmaps it when it
    is freed, so that every operation of a network pays for page faults. The
    memory that a run on a CPU needs is the same in each step; from now on it
    stays with this process and those that it forks, as it would with the
    allocators of PyTorch's tuning guide, jemalloc and tcmalloc.

    Returns:
        Whether that was done. It is not under another C library or a
        preloaded allocator, or where a variable ``MALLOC_*`` of the
        environment sets the heap.
    """
    if 'malloc' in os.environ.get('LD_PRELOAD', '') or any(
            name.startswith('MALLOC_') for name in os.environ):
        return False
    try:
        libc = ctypes.CDLL('libc.so.6')
        mallopt = libc.mallopt
    except (OSError, AttributeError):
        return False
    return bool(
        mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _LARGEST))
