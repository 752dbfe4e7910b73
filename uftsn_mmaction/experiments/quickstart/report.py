# SPDX-License-Identifier: Apache-2.0
"""The report of a quickstart, for readers who do not know the paper.

``report.html`` beside this file is its template.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from mmaction.evaluation import ConfusionMatrix

from ...datasets.motion.classes import APPEARANCES, CLASSES, MOTIONS
from ...engine.hooks.stage import stage_configs
from ...visualization import (
    Tile,
    confusion_change_figure,
    confusion_matrix_figure,
    flow_panel,
    flow_to_color,
    max_flow_norm,
    tile,
    training_curves,
)
from ..report.measures import Headline
from ..report.page import gif, jpeg, write_page
from ..table import Column, Table, json_value
from .plan import QuickstartPlan
from .results import SINGLE, TestResult

# Clips of the animation, and how long one of their frames lasts.
_ANIMATED, _SECONDS = 4, 0.4

_COLUMNS = (Column('name', ''), Column('aepe', 'AEPE in pixels'),
            Column('motion_acc', 'motion accuracy'),
            Column('top1', 'accuracy of all classes'))
# Rows: the name, then the key of the metric in each further column.
_ROWS = (
    ('no motion at all (zero flow)', 'aepe_zero', None, None),
    ("TV-L1, OpenCV's default settings", 'aepe_tvl1', None, None),
    ('guessing', None, 'motion_acc_chance', 'top1_chance'),
    ('the control: untrained estimator, trained classifier', 'aepe_untrained',
     'motion_acc_control', 'top1_control'),
    ('the weights in the box, as they come', 'aepe_start', None, None),
    ('after stage 1 (flow)', 'aepe_stage1', None, None),
    # The estimator rests in stage 2.
    ('after stage 2 (classifier)', 'aepe_stage1', 'motion_acc_stage2',
     'top1_stage2'),
    ('after stage 3 (joint)', 'aepe', 'motion_acc_stage3', 'top1_temporal'),
    ('spatial stream: one frame', None, None, 'top1_spatial'),
    ('fusion of both streams', None, None, 'top1_fusion'),
)


def write_report(path: Path, plan: QuickstartPlan,
                 history: Mapping[int, Mapping[str, float]],
                 results: Mapping[str, TestResult],
                 metrics: Mapping[str, Any]) -> None:
    """Write the page, with what :func:`.results.collect_metrics` takes."""
    table = results_table(metrics)
    frames = _animation(results['temporal'])
    write_page(
        path, Path(__file__).with_name('report.html'),
        metrics=metrics,
        headlines=_headlines(metrics),
        animation=gif(frames, _SECONDS),
        still=jpeg(frames[0]),
        num_animated=min(_ANIMATED, len(
            results['temporal'].pictures['labels'])),
        pretrained=plan.pretrained,
        refined=plan.refined,
        heads=[column.head for column in table.columns],
        cells=[[column.cell(row[column.key]) for column in table.columns]
               for row in table.rows],
        generator=plan.motion.train_dataloader.dataset.generator,
        num_tests=len(results['temporal'].labels),
        num_pictures=len(results['temporal'].pictures['labels']),
        motions=MOTIONS,
        appearances=APPEARANCES,
        classes=CLASSES,
        figures=_figures(plan, history, results, metrics))


def results_table(metrics: Mapping[str, Any]) -> Table:
    """Return the errors and accuracies of ``metrics.json`` as a table."""
    table, keys = Table(_COLUMNS), [column.key for column in _COLUMNS]
    for name, *sources in _ROWS:
        if not any(source and metrics[source] is not None
                   for source in sources):
            continue
        values = (source and json_value(metrics[source]) for source in sources)
        table.add(**dict(zip(keys, (name, *values))))
    return table


def motion_confusion(result: TestResult,
                     from_scores: bool = False) -> np.ndarray:
    """Return the ``(8, 8)`` matrix of ``MotionAccuracy`` with its option."""
    scores = torch.from_numpy(result.scores[SINGLE]).float()
    if from_scores:
        scores = scores.softmax(dim=1)
    # N x num_classes -> N x num_motions
    scores = scores.view(len(scores), -1, len(APPEARANCES)).sum(dim=2)
    labels = torch.from_numpy(result.labels) // len(APPEARANCES)
    return ConfusionMatrix.calculate(scores, labels).numpy()


def class_confusion(result: TestResult, name: str = SINGLE) -> np.ndarray:
    """Return the confusion matrix of all classes ``(16, 16)``."""
    return ConfusionMatrix.calculate(result.scores[name],
                                     result.labels).numpy()


def _figures(plan: QuickstartPlan, history: Mapping[int, Mapping[str, float]],
             results: Mapping[str, TestResult],
             metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw the figures by their names in the template."""
    from_scores = any(
        metric.get('from_scores', False)
        for metric in plan.motion.test_evaluator
        if metric.type == 'MotionAccuracy')
    motions, classes = ([name.replace('_', ' ') for name in names]
                        for names in (MOTIONS, CLASSES))
    temporal, fusion = results['temporal'], results['fusion']
    return dict(
        flows=_flow_figure(results),
        curves=training_curves(
            [dict(record, epoch=epoch) for epoch, record in history.items()],
            stage_configs(plan.motion),
            error_references={'zero flow': metrics['aepe_zero'],
                              'TV-L1': metrics['aepe_tvl1']},
            accuracies={'motion/top1': 'motion', 'acc/top1': 'all classes'},
            accuracy_references={
                'motion, control': metrics['motion_acc_control']}),
        motions=confusion_matrix_figure(
            motion_confusion(temporal, from_scores), motions),
        motions_control=confusion_matrix_figure(
            motion_confusion(results['control'], from_scores), motions),
        classes=confusion_matrix_figure(class_confusion(temporal), classes),
        fusion=confusion_change_figure(
            class_confusion(fusion, 'spatial'),
            class_confusion(fusion, 'fusion'),
            classes,
            names=('Spatial stream', 'UF-TSN, both streams'),
            # More would be too small to read on the page.
            top=8))


def _headlines(metrics: Mapping[str, Any]) -> list[Headline]:
    return [
        Headline('error of the flow (AEPE)',
                 f'{Column("aepe", "").cell(json_value(metrics["aepe"]))} px',
                 f'no motion at all: {metrics["aepe_zero"]:.3f}'),
        Headline('motion recognised',
                 f'{100 * metrics["motion_acc_stage3"]:.0f} %',
                 f'without learned flow: '
                 f'{100 * metrics["motion_acc_control"]:.0f} %; guessing: '
                 f'{100 * metrics["motion_acc_chance"]:.0f} %'),
        Headline('all classes, both streams',
                 f'{100 * metrics["top1_fusion"]:.0f} %',
                 f'motion alone: {100 * metrics["top1_temporal"]:.0f} %; one '
                 f'frame: {100 * metrics["top1_spatial"]:.0f} %')]


def _animation(result: TestResult) -> list[np.ndarray]:
    """Draw clips frame by frame, each beside its flow."""
    clips, flows, labels = (
        result.pictures[name][:_ANIMATED]
        for name in ('clips', 'clip_flows', 'labels'))
    scales = [1.2 * max_flow_norm(flow) or 1. for flow in flows]
    frames = []
    for pair in range(flows.shape[2]):
        tiles = []
        for clip, flow, label, scale in zip(clips, flows, labels, scales):
            name = CLASSES[label].replace('-', ', ').replace('_', ' ')
            tiles += [Tile(np.ascontiguousarray(clip[pair]), name),
                      Tile(flow_to_color(flow[:, pair], scale), 'its flow')]
        frames.append(tile([tiles[row:row + 4]
                            for row in range(0, len(tiles), 4)]))
    return frames


def _flow_figure(results: Mapping[str, TestResult]) -> Figure:
    pictures = results['temporal'].pictures
    columns = {'TV-L1': results['tvl1'], 'ours, untrained': results['control'],
               'ours, from the box': results.get('start'),
               'ours, trained': results['temporal']}
    return flow_panel([
        dict(label=CLASSES[label].replace('-', ',\n').replace('_', ' '),
             frame=pictures['frames'][index],
             gt_flow=pictures['gt_flows'][index],
             flows={name: result.pictures['flows'][index]
                    for name, result in columns.items() if result})
        for index, label in enumerate(pictures['labels'])
    ])
