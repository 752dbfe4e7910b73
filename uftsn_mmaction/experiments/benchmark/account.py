# SPDX-License-Identifier: Apache-2.0
"""Share of each operation in the time of a run."""
from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

#: Operations with a line of their own; the rest share one.
_LONGEST = 8


def account(run: Callable[[], object], pairs: int,
            on_gpu: bool = False) -> dict[str, float]:
    """Return the milliseconds a pair of the longest operations of a run.

    The time of an operation leaves out those that it calls, and on a GPU
    counts its kernels alone. The profiler itself slows a run down, and what
    happens outside of PyTorch, as in OpenCV, is in no operation: take the
    shares from here, and the times from the table.

    Args:
        run: The run, which has been warmed up.
        pairs: Pairs of frames in it.
        on_gpu: Whether the work is that of a GPU.

    Returns:
        Times by the name of the operation, longest first; ``others`` is last.
    """
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        run()
    key = f'self_{"device" if on_gpu else "cpu"}_time_total'
    times = {event.key: getattr(event, key) / 1000 / pairs
             for event in profiler.key_averages()}
    times = {name: ms for name, ms in times.items() if ms > 0}
    order = sorted(times, key=times.get, reverse=True)
    longest = {name: times[name] for name in order[:_LONGEST]}
    if rest := order[_LONGEST:]:
        longest['others'] = sum(times[name] for name in rest)
    return longest
