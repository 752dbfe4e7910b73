# SPDX-License-Identifier: Apache-2.0
"""The numbers of a quickstart: ``metrics.json`` and the table of results."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import MODELS

from ...datasets.motion.classes import CLASSES, MOTIONS
from ...engine.hooks.stage import stage_epochs
from ..environment import environment
from ..table import Column, Table, json_value
from .plan import QuickstartPlan
from .results import TestResult

_COLUMNS = (Column('name', ''), Column('aepe', 'AEPE in pixels'),
            Column('motion_acc', 'motion accuracy'),
            Column('top1', 'accuracy of all classes'))
# Names of versions in metrics.json, and in the environment.
_VERSIONS = {
    'python': 'Python', 'torch': 'PyTorch', 'torchvision': 'TorchVision',
    'opencv': 'OpenCV', 'mmengine': 'MMEngine',
    **{name: name for name in ('uftsn_mmaction', 'numpy', 'mmcv', 'mmcv-lite',
                               'mmaction2', 'ptlflow')}
}
# Rows: the name, then the key of the metric in each further column.
_ROWS = (
    ('no motion at all (zero flow)', 'aepe_zero', None, None),
    ("TV-L1, OpenCV's default settings", 'aepe_tvl1', None, None),
    ('guessing', None, 'motion_acc_chance', 'top1_chance'),
    ('the control: untrained estimator, trained classifier', 'aepe_untrained',
     'motion_acc_control', 'top1_control'),
    ('after stage 1 (flow)', 'aepe_stage1', None, None),
    # The estimator rests in stage 2.
    ('after stage 2 (classifier)', 'aepe_stage1', 'motion_acc_stage2',
     'top1_stage2'),
    ('after stage 3 (joint)', 'aepe', 'motion_acc_stage3', 'top1_temporal'),
    ('spatial stream: one frame', None, None, 'top1_spatial'),
    ('fusion of both streams', None, None, 'top1_fusion'),
)


def read_history(work_dir: Path) -> dict[int, dict[str, float]]:
    """Read the validation metrics of a training by epoch (from 1), in order.

    Where a resumed run repeats an epoch, the later one counts.
    """
    history = {}
    # Each start of a run has a folder named after its time.
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                # A kill can leave half a line.
                continue
            # Only a training step has an iteration.
            if 'iter' not in record:
                history[record.pop('step')] = record
    return dict(sorted(history.items()))


def last_validation(history: Mapping[int, Mapping[str, float]],
                    epochs: Sequence[int]) -> tuple[int, Mapping[str, float]]:
    """Return the last of some epochs with a validation, and its metrics."""
    known = [epoch for epoch in epochs if epoch in history]
    if not known:
        raise ValueError(
            f'The training was validated after the epochs {list(history)}, '
            f'but not after any of {list(epochs)}; train anew with --restart')
    return known[-1], history[known[-1]]


def collect_metrics(plan: QuickstartPlan,
                    history: Mapping[int, Mapping[str, float]],
                    results: Mapping[str, TestResult],
                    seconds: Mapping[str, float],
                    threads: int | None) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    Those are ``aepe*`` in pixels, over all pixels of the test set; accuracies
    from 0 to 1; the ``epochs`` after which the stages were validated;
    ``seconds`` in all and by phase; and ``settings`` to repeat the run with.
    """
    temporal, control, tvl1, fusion = (
        results[name].metrics
        for name in ('temporal', 'control', 'tvl1', 'fusion'))
    stages, epochs, after = stage_epochs(plan.motion), {}, {}
    for name in ('flow', 'classifier'):
        epochs[name], after[name] = last_validation(history, stages[name])
    solver = MODELS.build(plan.tvl1_config().model.flow_estimator)
    found = environment()
    return dict(
        aepe_zero=temporal['flow/AEPE_zero'],
        aepe_tvl1=tvl1['flow/AEPE'],
        aepe_untrained=control['flow/AEPE'],
        aepe_stage1=after['flow']['flow/AEPE'],
        aepe=temporal['flow/AEPE'],
        motion_acc_chance=1 / len(MOTIONS),
        motion_acc_control=control['motion/top1'],
        motion_acc_stage2=after['classifier']['motion/top1'],
        motion_acc_stage3=temporal['motion/top1'],
        top1_chance=1 / len(CLASSES),
        top1_control=control['acc/top1'],
        top1_stage2=after['classifier']['acc/top1'],
        top1_temporal=temporal['acc/top1'],
        top1_spatial=fusion['acc/spatial_top1'],
        top1_fusion=fusion['acc/fusion_top1'],
        top1_fusion_prob=fusion['acc/fusion_prob_top1'],
        epochs=dict(
            stage1=epochs['flow'],
            stage2=epochs['classifier'],
            stage3=plan.motion.train_cfg.max_epochs),
        seconds=sum(seconds.values()),
        seconds_of_phases=dict(seconds),
        settings=dict(
            config=plan.motion.filename,
            cfg_options=[f'{key}={value}'
                         for key, value in plan.options.items()],
            seed=(plan.motion.get('randomness') or {}).get('seed'),
            threads=threads,
            device=torch.cuda.get_device_name()
            if torch.cuda.is_available() else 'CPU',
            tvl1=dict(solver.settings),
            versions={key: found[name].split()[0]
                      for key, name in _VERSIONS.items() if name in found}))


def results_table(metrics: Mapping[str, Any]) -> Table:
    """Return the errors and accuracies of ``metrics.json`` as a table."""
    table, keys = Table(_COLUMNS), [column.key for column in _COLUMNS]
    for name, *sources in _ROWS:
        values = (source and json_value(metrics[source]) for source in sources)
        table.add(**dict(zip(keys, (name, *values))))
    return table
