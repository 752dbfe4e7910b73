# SPDX-License-Identifier: Apache-2.0
"""Measurements of one estimator in one combination."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import cv2
import torch

from ..table import Spread
from .counting import PairMacs
from .settings import Combination

#: Errors of an estimator or of a lack of memory, which leave a gap.
FAILURES = (RuntimeError, ValueError, MemoryError, cv2.error)
_OUT_OF_MEMORY = ('out of memory', "can't allocate memory",
                  'not enough memory', 'insufficient memory')


@dataclass
class Row:
    """Measurements of one estimator in one combination.

    A round is the seconds from frames to predictions, and those of the flow
    within them.
    """
    estimator: str
    combination: Combination
    random_weights: bool
    parameters: int
    settings: str = ''
    macs: PairMacs | None = None
    rounds: list[tuple[float, float]] = field(default_factory=list)
    peak_mb: float | None = None
    failure: str | None = None

    @contextmanager
    def gap_on_failure(self) -> Iterator[None]:
        """Note an expected failure of a block instead of raising it."""
        try:
            yield
        except FAILURES as error:
            self.failure = describe_failure(error)
            # Half of the rounds are no result.
            self.rounds.clear()

    def values(self, first: Row, pairs: int) -> dict[str, Any]:
        """Return all values by name, None where one is unknown.

        Args:
            first: Row of the same combination to compare the times with.
            pairs: Pairs in a clip.
        """
        to_ms = 1000 / (self.combination.batch_size * pairs)
        ms = [to_ms * seconds for seconds, _ in self.rounds]
        time = Spread.of(ms)
        return dict(
            estimator=self.estimator,
            **vars(self.combination),
            random_weights=self.random_weights,
            settings=self.settings,
            params_m=self.parameters / 1e6,
            gmac=self.macs and sum(self.macs) / 1e9,
            gmac_elementwise=self.macs and self.macs.elementwise / 1e9,
            ms_per_pair=time,
            ms_per_pair_flow=time and to_ms * median(
                flow for _, flow in self.rounds),
            fps=time and 1000 / time.median,
            # Within a round, since what slows a machine outlasts one.
            ratio=Spread.of(
                mine / other
                for (mine, _), (other, _) in zip(self.rounds, first.rounds)),
            peak_mb=self.peak_mb,
            ms_per_pair_rounds=ms,
            failure=self.failure)


def time_in_turn(rows: Sequence[Row],
                 runs: Sequence[Callable[[], tuple[float, float]] | None],
                 repeats: int, warmup: int) -> None:
    """Run everything once, then everything again, and so on.

    What slows the machine down for a while then slows all alike, whereas
    ``torch.utils.benchmark`` repeats one after the other. A row with a
    failure is left out, and may have no run.
    """
    for number in range(warmup + repeats):
        for row, run in zip(rows, runs):
            if row.failure:
                continue
            with row.gap_on_failure():
                seconds = run()
                if number >= warmup:
                    row.rounds.append(seconds)


def describe_failure(error: BaseException) -> str:
    """Return one line on an error; a lack of memory is named so."""
    text = str(error).strip()
    first = text.split('\n')[0].rstrip('.') or type(error).__name__
    if isinstance(error, ValueError):
        return first  # says itself what is wrong
    if isinstance(error, MemoryError) or any(
            words in text.lower() for words in _OUT_OF_MEMORY):
        if torch.cuda.is_available():
            # The next estimator may fit into what this one could not use.
            torch.cuda.empty_cache()
        return f'out of memory ({first})'
    return f'{type(error).__name__}: {first}'
