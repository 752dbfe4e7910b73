# SPDX-License-Identifier: Apache-2.0
"""The benchmark from its settings to its rows."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from ...fileio.atomic import write_json
from ...models.flow_zoo import build_estimator, has_random_weights
from .counting import count_macs, count_parameters
from .machine import describe_machine, measuring
from .memory import MemoryRunFailed, cpu_peak_mb, cuda_peak_mb
from .row import Row, add_times
from .settings import BenchmarkSettings, Combination
from .table import definitions, machine_line, to_legend, to_text
from .timing import FAILURES, describe_failure, time_in_turn
from .workload import Workload, build_model


def run_benchmark(settings: BenchmarkSettings, out: Path,
                  command: str) -> list[Row]:
    """Measure all combinations, print the table and write it.

    Everything is built once before anything is measured, so that a missing
    library or a wrong name ends the run at once. What fails in a combination
    leaves a gap there.

    Args:
        settings: What to measure.
        out: Folder of ``benchmark.json``.
        command: Command line, for the record.

    Returns:
        The rows.

    Raises:
        FileNotFoundError: A config or checkpoint is missing.
        ImportError: A library is missing.
        ValueError: An estimator or the classifier cannot be built.
    """
    for spec in dict.fromkeys(settings.estimators):
        build_model(
            build_estimator(spec), settings.classifier, settings.clip_len)
    if out.exists() and not out.is_dir():
        raise ValueError(f'--out {str(out)!r} is a file, expected a folder; '
                         'choose another name.')
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    meanings = definitions(settings)
    with measuring(settings.threads):
        machine = describe_machine(settings.devices)
        print(machine_line(machine), flush=True)
        for combination in settings.combinations():
            rows += measure_combination(combination, settings)
            # Each time, since the next one may take hours.
            write_json(
                out / 'benchmark.json',
                dict(
                    rows=[asdict(row) for row in rows],
                    settings=dict(
                        asdict(settings),
                        command=command,
                        definitions=meanings,
                        **machine)))
    print(f'\n{to_text(rows)}\n\n{to_legend(meanings)}')
    return rows


def measure_combination(combination: Combination,
                        settings: BenchmarkSettings) -> list[Row]:
    """Rows of all estimators in one combination."""
    rows = [_count(spec, combination) for spec in settings.estimators]
    on_gpu = torch.device(combination.device).type == 'cuda'
    if not on_gpu:
        # First, since a run that is too large for the machine then ends
        # another process than this one.
        for row in rows:
            _add_cpu_memory(row, settings)
    runs = [_build(row, settings) for row in rows]
    _announce(f'{combination.title}: timing of '
              f'{", ".join(row.estimator for row in rows)}')
    timings = time_in_turn(runs, settings.repeats, settings.warmup)
    add_times(rows, timings, settings.pairs)
    if on_gpu:
        for row, run in zip(rows, runs):
            _add_cuda_memory(row, run)
    return rows


def failed(rows: Sequence[Row]) -> bool:
    """Whether there is a gap."""
    return any(row.failure for row in rows)


def _count(spec: str, combination: Combination) -> Row:
    """A row with all that does not depend on the clock."""
    estimator = build_estimator(spec)
    row = Row(
        spec,
        combination.device,
        combination.size,
        combination.batch_size,
        random_weights=has_random_weights(spec, estimator),
        params_m=count_parameters(estimator) / 1e6,
        settings=estimator.extra_repr())
    _announce(f'{combination.title}: operations of {spec}')
    try:
        macs = count_macs(estimator, combination.size)
    except FAILURES as error:
        row.failure = describe_failure(error)
        return row
    if macs is not None:
        row.gmac = macs.gmac
        row.gmac_elementwise = macs.elementwise / 1e9
    return row


def _add_cpu_memory(row: Row, settings: BenchmarkSettings) -> None:
    if row.failure:
        return
    _announce(f'{row.combination.title}: memory of {row.estimator}')
    try:
        row.peak_mb = cpu_peak_mb(row.estimator, row.combination, settings)
    except MemoryRunFailed as error:
        row.failure = str(error)


def _add_cuda_memory(row: Row, run: Workload | None) -> None:
    if run is None or row.failure:
        return
    try:
        row.peak_mb = cuda_peak_mb(run)
    except FAILURES as error:
        row.failure = describe_failure(error)


def _build(row: Row, settings: BenchmarkSettings) -> Workload | None:
    if row.failure:
        return None
    try:
        return Workload(row.estimator, row.combination, settings)
    except FAILURES as error:
        row.failure = describe_failure(error)
        return None


def _announce(phase: str) -> None:
    print(phase, flush=True)
