# SPDX-License-Identifier: Apache-2.0
"""Table 2 as a run: trainings, tests and their report."""
from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.registry import init_default_scope

from ...fileio import AtomicLocalBackend, write_json
from ..environment import environment
from ..run import lock_folder, note_failure
from ..tools import RunSettings
from .entrants import OURS_JOINT, read_entrants
from .job import Job
from .plan import ComparisonPlan
from .results import FlowResults


def compare_flows(config: Path,
                  specs: Sequence[str],
                  seeds: Sequence[int],
                  settings: RunSettings,
                  options: Mapping[str, Any] | None = None) -> FlowResults:
    """Train one classifier on the flow of each estimator, and test it.

    Everything is checked first. Finished work is not done again, and an
    interrupted training goes on. After a failure the next training follows.

    Args:
        config: Config of a motion stream with its three stages.
        specs: Estimators, see ``tools/compare_flows.py``.
        seeds: Random seeds; the first seed of all estimators comes first.
        settings: How the tools are run.
        options: Values by dotted keys that differ from the config's.

    Returns:
        The results, which ``flows.json`` and ``flows.md`` in the work
        directory hold too.
    """
    # MMEngine knows the names of MMAction2's parts in its scope alone.
    init_default_scope('mmaction')
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f'--seeds are {list(seeds)}, expected one or more '
                         'different numbers from 0 up')
    plan = ComparisonPlan.from_file(config, options)
    entrants = read_entrants(specs, plan.estimator)
    results = FlowResults(entrants, seeds)
    jobs = [
        Job.build(plan, entrant, seed, settings) for seed in seeds
        for entrant in entrants
    ]
    with lock_folder(settings.work_dir):
        for job in jobs:
            job.check()
        for job in jobs:
            name, seed = job.entrant.name, job.seed
            with note_failure(f'{name}, seed {seed}',
                              partial(results.fail, name, seed)):
                results.add(name, seed, job.run())
        _write(results, plan, settings, options)
    return results


def _write(results: FlowResults, plan: ComparisonPlan, settings: RunSettings,
           options: Mapping[str, Any] | None) -> None:
    command = 'python ' + shlex.join(sys.argv)
    write_json(
        settings.work_dir / 'flows.json',
        dict(
            results.to_dict(),
            data=str(plan.cfg.filename),
            cfg_options=dict(options or {}),
            epochs=plan.epochs,
            gpus=settings.gpus,
            command=command,
            environment=environment()))
    AtomicLocalBackend().put_text(
        '\n\n'.join([
            results.to_markdown(), *_notes(results, plan),
            f'```bash\n{command}\n```\n'
        ]), settings.work_dir / 'flows.md')


def _notes(results: FlowResults, plan: ComparisonPlan) -> Iterator[str]:
    """Yield what the numbers mean, in paragraphs of Markdown."""
    yield (f'`{Path(plan.cfg.filename).name}`: the stage `classifier` '
           f'({plan.epochs["classifier"]} epochs) on the flow of each '
           'estimator, which does not train. Mean ± standard deviation over '
           'the seeds and their range; a number alone is the same for all '
           'seeds, or of one seed.')
    if any(entrant.spec == OURS_JOINT for entrant in results.entrants):
        yield (f'`{OURS_JOINT}` goes on with the stage `joint` '
               f'({plan.epochs["joint"]} epochs), in which the estimator '
               'trains too.')
    for entrant in results.entrants:
        if entrant.settings:
            yield f'{entrant.name}: `{entrant.settings}`.'
    for (name, seed), reason in results.failures.items():
        yield f'{name}, seed {seed} failed: {reason}'
