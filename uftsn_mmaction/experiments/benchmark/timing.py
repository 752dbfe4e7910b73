# SPDX-License-Identifier: Apache-2.0
"""Repeats of several estimators in turn, and what became of them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import torch

#: What the end of memory looks like, beside faults of an estimator.
FAILURES = (RuntimeError, ValueError, MemoryError, cv2.error)

_OUT_OF_MEMORY = ('out of memory', "can't allocate memory",
                  'not enough memory', 'insufficient memory')


@dataclass
class Timing:
    """Rounds of one estimator.

    Attributes:
        seconds: From frames to predictions, one number a round.
        flow_seconds: Of the flow within it.
        failure: Why there are no numbers; None if all went well.
    """
    seconds: list[float] = field(default_factory=list)
    flow_seconds: list[float] = field(default_factory=list)
    failure: str | None = None


def time_in_turn(runs: Sequence[Callable[[], tuple[float, float]] | None],
                 repeats: int, warmup: int) -> list[Timing]:
    """Run everything once, then everything again, and so on.

    Whatever slows the machine down for a while then slows all alike.

    Args:
        runs: Each returns the seconds it took and those of its flow. None
            stands for what cannot be run.
        repeats: Rounds that count.
        warmup: Rounds before them.

    Returns:
        One timing for each run. One that fails is left out of the following
        rounds, the others go on.
    """
    timings = [Timing() for _ in runs]
    for number in range(warmup + repeats):
        for run, timing in zip(runs, timings):
            if run is None or timing.failure:
                continue
            try:
                seconds, flow_seconds = run()
            except FAILURES as error:
                timing.failure = describe_failure(error)
                timing.seconds.clear()
                timing.flow_seconds.clear()
                continue
            if number >= warmup:
                timing.seconds.append(seconds)
                timing.flow_seconds.append(flow_seconds)
    return timings


def describe_failure(error: BaseException) -> str:
    """One line on an error; the end of memory by its name."""
    text = str(error).strip()
    first = text.split('\n')[0].rstrip('.') or type(error).__name__
    lower = text.lower()
    if isinstance(error, MemoryError) or any(
            words in lower for words in _OUT_OF_MEMORY):
        _forget_cache()
        return f'out of memory ({first})'
    if isinstance(error, ValueError):
        return first  # says itself what is wrong
    return f'{type(error).__name__}: {first}'


def _forget_cache() -> None:
    """What one could not use may be enough for the next."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
