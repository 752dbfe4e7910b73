# SPDX-License-Identifier: Apache-2.0
"""Table 2 as a run: trainings, tests and what is written about them."""
from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from mmengine.registry import init_default_scope
from mmengine.utils.dl_utils import collect_env

from ...fileio import AtomicLocalBackend
from ...fileio.atomic import write_json
from ..checkpoints import TrainingError
from ..tools import IncompleteTestError, RunSettings
from .entrants import OURS_JOINT, read_entrants
from .jobs import JobRunner, make_job
from .plan import ComparisonPlan, check_seeds
from .table import FlowTable


def compare_flows(config: Path,
                  specs: Sequence[str],
                  seeds: Sequence[int],
                  settings: RunSettings,
                  options: Mapping[str, Any] | None = None) -> FlowTable:
    """Train one classifier on the flow of each estimator, and test it.

    Everything is checked first. What is finished is not done again, and an
    interrupted training goes on. After a failure the next training follows.

    Args:
        config: Config of a motion stream with its three stages.
        specs: Estimators.
        seeds: Random seeds; the first seed of all estimators comes first.
        settings: How configs are run.
        options: Values by dotted keys that differ from the config's.

    Returns:
        The metrics, which ``flows.json`` and ``flows.md`` in the work
        directory have too.

    Raises:
        FileNotFoundError: A config or a checkpoint is missing.
        ImportError: A library that an estimator needs is missing.
        ValueError: A setting does not fit, or the work directory holds
            results of other settings or is in use.
    """
    # Names of MMAction2's parts are known in its scope alone.
    init_default_scope('mmaction')
    seeds = check_seeds(seeds)
    plan = ComparisonPlan.from_file(config, options)
    entrants = read_entrants(specs, plan.estimator)
    # Absolute: the path of a checkpoint must hold wherever it is read.
    work_dir = settings.work_dir.absolute()
    jobs = {
        (entrant.name, seed): make_job(plan, entrant, seed, work_dir)
        for seed in seeds for entrant in entrants
    }
    runner, table = JobRunner(settings), FlowTable(entrants, seeds)
    work_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work_dir / '.lock', timeout=0):
            for job in jobs.values():
                runner.check(job)
            for (name, seed), job in jobs.items():
                try:
                    table.add(name, seed, runner.run(job))
                except (TrainingError, IncompleteTestError, FileNotFoundError,
                        ValueError) as error:
                    table.fail(name, seed, str(error))
                    print(f'error: {name}, seed {seed}: {error}',
                          file=sys.stderr, flush=True)
            _write(table, plan, settings, options)
    except Timeout:
        raise ValueError(
            f'another comparison is at work in {str(work_dir)!r}; wait for '
            'it, or choose another --work-dir') from None
    return table


def _write(table: FlowTable, plan: ComparisonPlan, settings: RunSettings,
           options: Mapping[str, Any] | None) -> None:
    command = 'python ' + shlex.join(sys.argv)
    write_json(
        settings.work_dir / 'flows.json',
        dict(
            table.to_dict(),
            data=str(plan.cfg.filename),
            cfg_options=dict(options or {}),
            epochs={
                stage: plan.epochs_of(stage)
                for stage in ('flow', 'classifier', 'joint')
            },
            gpus=settings.gpus,
            command=command,
            environment={
                key: str(value)
                for key, value in collect_env().items()
                if key != 'PyTorch compiling details'
            }))
    text = (f'{table.to_markdown()}\n\n{_notes(table, plan)}\n\n'
            f'```bash\n{command}\n```\n')
    AtomicLocalBackend().put_text(text, settings.work_dir / 'flows.md')


def _notes(table: FlowTable, plan: ComparisonPlan) -> str:
    """What the numbers mean, in paragraphs of Markdown."""
    lines = [
        f'`{Path(plan.cfg.filename).name}`: the stage `classifier` (epochs: '
        f'{plan.epochs_of("classifier")}) on the flow of each estimator, '
        'which does not train. Mean ± standard deviation over the seeds and '
        'their range; a number alone is one that no seed changes, or of one '
        'seed.'
    ]
    if any(entrant.spec == OURS_JOINT for entrant in table.entrants):
        lines.append(
            f'`{OURS_JOINT}` goes on with the stage `joint` (epochs: '
            f'{plan.epochs_of("joint")}), in which the estimator trains too.')
    lines += [
        f'{entrant.name}: `{entrant.settings}`.' for entrant in table.entrants
        if entrant.settings
    ]
    lines += [
        f'{name}, seed {seed} failed: {reason}'
        for (name, seed), reason in table.failures.items()
    ]
    # A line of Markdown would run into the next one.
    return '\n\n'.join(lines)
