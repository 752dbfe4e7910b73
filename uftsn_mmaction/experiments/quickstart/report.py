# SPDX-License-Identifier: Apache-2.0
"""The report of a quickstart, for someone who has not read the paper."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...datasets.motion.classes import APPEARANCES, CLASSES, MOTIONS
from ...visualization import (
    ReportFigure,
    ReportSection,
    ReportTable,
    confusion_matrix_figure,
    figure_to_png,
    flow_panel,
    training_curves,
    write_report,
)
from .fusion_result import FusionResult
from .fusion_section import fusion_section
from .metrics import class_confusion, motion_confusion
from .plan import QuickstartPlan
from .testing import StreamResult

_TITLE = 'UF-TSN: motion learned from video alone, recognised by its flow'


def write_quickstart_report(path: Path, plan: QuickstartPlan,
                            history: Mapping[int, Mapping[str, float]],
                            results: Mapping[str, StreamResult],
                            fusion: FusionResult,
                            metrics: Mapping[str, Any]) -> Path:
    """Write the page.

    Args:
        path: HTML file to write.
        plan: What was run.
        history: Validation metrics of the staged training, by epoch.
        results: Tests of ``temporal``, ``control`` and ``tvl1``.
        fusion: Test of both streams and their fusion.
        metrics: Content of ``metrics.json``.

    Returns:
        The path of the file.
    """
    return write_report(path, _TITLE, [
        _introduction(plan),
        _results(metrics, len(results['temporal'].labels)),
        _flows(results),
        _training(plan, history, metrics),
        _confusions(plan, results),
        fusion_section(fusion, metrics),
        _settings(metrics),
    ])


def _introduction(plan: QuickstartPlan) -> ReportSection:
    sizes = plan.cfg.train_dataloader.dataset.generator
    return ReportSection('What was done', [
        'Optical flow says for each pixel of a frame where it is in the next '
        'one, and many actions are known by their motion. UF-TSN estimates '
        'the flow inside the network and hands a stack of flows to an image '
        'classifier. Nobody tells it the true flow: it moves the next frame '
        'back by the estimated flow and compares it with the present one '
        '(photometric loss), and it asks for a smooth flow wherever the image '
        'has no edge (smoothness loss).',
        f'Here it learned from {sizes.num_train} generated videos and was '
        f'tested on {sizes.num_test} others. In each of them textured objects '
        f'perform one of {len(MOTIONS)} motions in one of {len(APPEARANCES)} '
        f'tints, which makes {len(CLASSES)} classes. One frame does not show '
        'the motion, and flow does not show the tint: the motion stream can '
        'know the motion, but has to guess the tint, so that one half is the '
        'best it can expect for all classes. A spatial stream, which sees '
        'single frames, can know what it lacks. The generator knows the true '
        'flow, which serves to measure and never to train.',
        'Training has three stages. First the flow estimator learns without '
        'any label. Then it rests, and the classifier learns motions from its '
        'flow. At last both learn together. The spatial stream is trained '
        'by itself, and the scores of the two are averaged.',
    ])


def _results(metrics: Mapping[str, Any], num_test: int) -> ReportSection:
    rows = [
        ('no motion at all (zero flow)', metrics['aepe_zero'], None, None),
        ("TV-L1, OpenCV's default settings", metrics['aepe_tvl1'], None,
         None),
        ('guessing', None, metrics['motion_acc_chance'],
         metrics['top1_chance']),
        ('the control: untrained estimator, trained classifier',
         metrics['aepe_untrained'], metrics['motion_acc_control'],
         metrics['top1_control']),
        ('after stage 1 (flow)', metrics['aepe_stage1'], None, None),
        # The estimator rests in stage 2.
        ('after stage 2 (classifier)', metrics['aepe_stage1'],
         metrics['motion_acc_stage2'], metrics['top1_stage2']),
        ('after stage 3 (joint)', metrics['aepe'],
         metrics['motion_acc_stage3'], metrics['top1_temporal']),
        ('spatial stream: one frame', None, None, metrics['top1_spatial']),
        ('fusion of both streams', None, None, metrics['top1_fusion']),
    ]
    return ReportSection('What came out', [
        ReportTable(('', 'AEPE in pixels', 'motion accuracy',
                     'accuracy of all classes'), rows,
                    'On the test videos. AEPE, the average end-point error, '
                    'is the mean distance between estimated and true flow; '
                    'less is better. One video more or less changes an '
                    f'accuracy by {1 / num_test:.3f}.'),
        'The control answers the question whether the learned flow matters. '
        'It has the classifier, the schedule and the seed of stages 2 and 3, '
        'but its flow estimator stays as it was at the random start. What it '
        'gets right can be told without motion estimation; what the stream '
        'gets right beyond that is due to the flow learned from video.',
        'TV-L1 is the classical solver that two-stream networks get their '
        'flow from. It learns nothing and solves an optimization problem for '
        'each pair of frames.',
    ])


def _flows(results: Mapping[str, StreamResult]) -> ReportSection:
    temporal = results['temporal']
    columns = {
        'TV-L1': results['tvl1'],
        'ours, untrained': results['control'],
        'ours, trained': temporal,
    }
    rows = [
        dict(
            label=CLASSES[label].replace('-', ',\n').replace('_', ' '),
            frame=temporal.frames[index],
            gt_flow=temporal.gt_flows[index],
            flows={
                name: result.flows[index]
                for name, result in columns.items()
            })
        for index, label in enumerate(temporal.picture_labels)
    ]
    return ReportSection('What the flow looks like', [
        ReportFigure(
            figure_to_png(flow_panel(rows)),
            f'A frame of {len(rows)} test videos, each with its true flow and '
            f'the flow of {", ".join(columns)}.',
            'The middle frame of the first test video of each motion, and its '
            'flow to the next frame. Colour is direction, saturation is '
            'speed, white is rest; the wheel shows both. Below each estimate '
            'stands its AEPE in pixels.'),
    ])


def _training(plan: QuickstartPlan, history: Mapping[int, Mapping[str, float]],
              metrics: Mapping[str, Any]) -> ReportSection:
    figure = training_curves(
        [dict(record, epoch=epoch) for epoch, record in history.items()],
        plan.stage_configs,
        error_references={
            'zero flow': metrics['aepe_zero'],
            'TV-L1': metrics['aepe_tvl1']
        },
        accuracies={
            'motion/top1': 'motion',
            'acc/top1': 'all classes'
        },
        accuracy_references={
            'motion, control': metrics['motion_acc_control']
        })
    return ReportSection('How it got there', [
        ReportFigure(
            figure_to_png(figure),
            'Curves of AEPE and accuracies over the epochs of the three '
            'stages.',
            'Measured on the test videos after each epoch. In stage 1 the '
            'classifier is untrained, and in stage 2 the flow does not '
            'change.'),
    ])


def _confusions(plan: QuickstartPlan,
                results: Mapping[str, StreamResult]) -> ReportSection:
    from_scores = any(
        metric.get('from_scores', False) for metric in plan.cfg.test_evaluator
        if metric.type == 'MotionAccuracy')
    motions = [name.replace('_', ' ') for name in MOTIONS]
    classes = [name.replace('_', ' ') for name in CLASSES]

    def figure(matrix, names, alt, caption):
        return ReportFigure(
            figure_to_png(confusion_matrix_figure(matrix, names)), alt,
            caption)

    return ReportSection('What is mistaken for what', [
        figure(
            motion_confusion(results['temporal'], from_scores), motions,
            'Confusion matrix of the motions for the trained stream.',
            f'The {len(motions)} motions, after all stages.'),
        figure(
            motion_confusion(results['control'], from_scores), motions,
            'Confusion matrix of the motions for the control.',
            'The same for the control, whose flow is that of an untrained '
            'estimator.'),
        figure(
            class_confusion(results['temporal'].scores,
                            results['temporal'].labels), classes,
            'Confusion matrix of all classes for the trained stream.',
            f'All {len(classes)} classes, after all stages: the blocks of two '
            'on the diagonal are one motion in both tints, between which flow '
            'cannot decide.'),
    ])


def _settings(metrics: Mapping[str, Any]) -> ReportSection:
    settings = metrics['settings']
    seconds = dict(metrics['seconds_of_phases'], total=metrics['seconds'])
    options = ' '.join(settings['cfg_options'])
    tvl1 = ', '.join(f'{name} {value:g}'
                     for name, value in settings['tvl1'].items())
    rows = [
        ('config', settings['config']),
        ('further settings', options or 'none'),
        ('seed', str(settings['seed'])),
        ('device', settings['device']),
        ('threads', str(settings['threads'])),
        ('TV-L1', tvl1),
        *settings['versions'].items(),
    ]
    return ReportSection('How to repeat it', [
        ReportTable(('setting', 'value'), rows),
        ReportTable(('phase', 'seconds'),
                    [(phase.replace('_', ' '), f'{value:.0f}')
                     for phase, value in seconds.items()],
                    'Wall-clock time. Starting the program and drawing this '
                    'page are not in it.'),
    ])
