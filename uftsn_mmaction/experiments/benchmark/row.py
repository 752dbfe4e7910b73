# SPDX-License-Identifier: Apache-2.0
"""What was found out about one estimator in one combination."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from .settings import Combination
from .timing import Timing


@dataclass
class Row:
    """One estimator at one size and batch size on one device.

    Times are medians over the rounds, see :func:`definitions`. What is
    not known is None.

    Attributes:
        estimator: Its specification.
        device: Device as PyTorch names it.
        size: Height and width in pixels.
        batch_size: Clips at a time.
        random_weights: Whether nobody trained or named its weights.
        params_m: Parameters, in 10**6.
        settings: Its settings, where it tells them.
        gmac: Multiply-accumulates of a pair, in 10**9.
        gmac_elementwise: Those of them that are element by element.
        ms_per_pair: From frames to predictions.
        ms_per_pair_min: The fastest round.
        ms_per_pair_max: The slowest round.
        ms_per_pair_flow: The part of it that the flow takes.
        fps: Pairs per second.
        ratio: Time over that of the first estimator, median of the rounds.
        ratio_min: Lowest ratio of a round.
        ratio_max: Highest ratio of a round.
        peak_mb: Peak memory above that of model and frames.
        ms_per_pair_rounds: Every round, in order.
        failure: Why there are no times.
    """
    estimator: str
    device: str
    size: tuple[int, int]
    batch_size: int
    random_weights: bool
    params_m: float
    settings: str = ''
    gmac: float | None = None
    gmac_elementwise: float | None = None
    ms_per_pair: float | None = None
    ms_per_pair_min: float | None = None
    ms_per_pair_max: float | None = None
    ms_per_pair_flow: float | None = None
    fps: float | None = None
    ratio: float | None = None
    ratio_min: float | None = None
    ratio_max: float | None = None
    peak_mb: float | None = None
    ms_per_pair_rounds: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def combination(self) -> Combination:
        """Rows of one combination are compared with one another."""
        return Combination(self.device, self.size, self.batch_size)


def add_times(rows: Sequence[Row], timings: Sequence[Timing],
              pairs: int) -> None:
    """Fill in the times of one combination.

    Args:
        rows: Its rows; the first one is what the others are compared with.
        timings: Rounds of each row.
        pairs: Pairs in a clip.
    """
    first = timings[0].seconds
    for row, timing in zip(rows, timings):
        row.failure = row.failure or timing.failure
        if not timing.seconds:
            continue
        to_ms = 1000 / (row.batch_size * pairs)
        rounds = [seconds * to_ms for seconds in timing.seconds]
        row.ms_per_pair_rounds = rounds
        row.ms_per_pair = median(rounds)
        row.ms_per_pair_min, row.ms_per_pair_max = min(rounds), max(rounds)
        row.ms_per_pair_flow = median(timing.flow_seconds) * to_ms
        row.fps = 1000 / row.ms_per_pair
        if first:
            # Within a round, since what slows a machine lasts longer.
            ratios = [
                mine / other for mine, other in zip(timing.seconds, first)
            ]
            row.ratio = median(ratios)
            row.ratio_min, row.ratio_max = min(ratios), max(ratios)
