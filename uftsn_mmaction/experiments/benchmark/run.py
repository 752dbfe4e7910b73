# SPDX-License-Identifier: Apache-2.0
"""The benchmark from its settings to its rows."""
from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ...fileio.atomic import write_json
from ...fileio.paths import check_output_folder
from ...models.flow_zoo import build_estimator
from ..environment import environment, environment_text
from .account import account
from .counting import count_macs
from .memory import cpu_peak_mb, cuda_peak_mb
from .row import Row, definitions, time_in_turn, to_json, to_text
from .settings import BenchmarkSettings, Combination
from .workload import Workload, build_model, set_threads


def run_benchmark(settings: BenchmarkSettings, out: Path,
                  command: str) -> list[dict[str, Any]]:
    """Measure all combinations, print the table and write benchmark.json.

    A failure in a combination leaves a gap there. Threads and cuDNN stay as
    they are set here. ``command`` is for the record.
    """
    check_output_folder(out)
    # So that a missing library or a wrong name ends the run at once.
    for spec in dict.fromkeys(settings.estimators):
        build_model(build_estimator(spec), settings.classifier,
                    settings.clip_lens[0])
    out.mkdir(parents=True, exist_ok=True)
    # Let cuDNN try its algorithms during the warm-up.
    torch.backends.cudnn.benchmark = True
    record = dict(
        asdict(settings),
        command=command,
        definitions=definitions(settings),
        environment=environment(),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        cudnn_allow_tf32=torch.backends.cudnn.allow_tf32)
    print(environment_text(record['environment']), flush=True)
    rows: list[dict[str, Any]] = []
    for combination in settings.combinations():
        measured = _measure(combination, settings)
        rows += [row.values(measured[0]) for row in measured]
        # Each time, since the next one may take hours.
        write_json(out / 'benchmark.json',
                   dict(rows=list(map(to_json, rows)), settings=record))
    print(f'\n{to_text(rows, settings)}')
    return rows


def _measure(combination: Combination,
             settings: BenchmarkSettings) -> list[Row]:
    """Measure all estimators in one combination."""
    title, rows, runs = combination.title, [], []
    set_threads(combination.threads)
    on_gpu = torch.device(combination.device).type == 'cuda'
    for spec in settings.estimators:
        print(f'{title}: operations and memory of {spec}', flush=True)
        estimator = build_estimator(spec)
        parameters = sum(p.numel() for p in estimator.parameters())
        row = Row(spec, combination, estimator.has_random_weights, parameters,
                  estimator.extra_repr())
        run = None
        with row.gap_on_failure():
            row.macs = count_macs(estimator, combination.size)
            row.clip_macs = count_macs(estimator, combination.size,
                                       combination.clip_len)
            if not on_gpu:
                # Before the timing: a run that is too large for the machine
                # then ends another process than this one.
                row.peak_mb = cpu_peak_mb(spec, combination, settings)
            run = Workload(spec, combination, settings)
            row.arithmetic = run.arithmetic
        rows.append(row)
        runs.append(run)
    print(f'{title}: timing of {", ".join(settings.estimators)}', flush=True)
    time_in_turn(rows, runs, settings.repeats, settings.warmup)
    for row, run in zip(rows, runs):
        if row.failure:
            continue
        with row.gap_on_failure():
            if on_gpu:
                row.peak_mb = cuda_peak_mb(run)
            if settings.profile:
                row.account = account(run, combination.pairs, on_gpu)
    return rows
