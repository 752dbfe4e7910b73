# SPDX-License-Identifier: Apache-2.0
"""What the report of a quickstart tells about the fusion."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...datasets.motion.classes import CLASSES
from ...visualization import (
    ReportFigure,
    ReportSection,
    ReportTable,
    confusion_change_figure,
    figure_to_png,
)
from .fusion_result import FusionResult
from .metrics import class_confusion


def fusion_section(fusion: FusionResult,
                   metrics: Mapping[str, Any]) -> ReportSection:
    """The streams alone and together, and what the motion adds.

    Args:
        fusion: Test of both streams and their fusion.
        metrics: Content of ``metrics.json``.
    """
    rows = [
        ('guessing', metrics['top1_chance']),
        ('spatial stream', metrics['top1_spatial']),
        ('motion stream', metrics['top1_temporal']),
        ('fusion: average of class scores', metrics['top1_fusion']),
        ('fusion: average of probabilities', metrics['top1_fusion_prob']),
    ]
    before, after = (
        class_confusion(fusion.scores[name], fusion.labels)
        for name in ('spatial', 'fusion'))
    figure = confusion_change_figure(
        before, after, [name.replace('_', ' ') for name in CLASSES],
        names=('Spatial stream', 'UF-TSN, both streams'),
        # More would be too small to read on the page.
        top=8)
    return ReportSection('What two streams know together', [
        'The spatial stream is an image classifier that sees one frame of '
        'each video. A frame shows the tint and not the motion, so that one '
        'eighth is the best it can expect for all classes. The motion stream '
        'knows the motion and not the tint. Both give a score to each class, '
        'and the fusion is the average of the two.',
        ReportTable(('', 'accuracy of all classes'), rows,
                    'On the test videos. Class scores are those before the '
                    'softmax, as CoViAR averages them. Probabilities come '
                    'after it: a stream that is sure of what it cannot see '
                    'then outvotes the other.'),
        ReportFigure(
            figure_to_png(figure),
            'Confusion matrices of the spatial stream and of the fusion, and '
            'their difference.',
            'Figure 3 of the paper, drawn from this run: the spatial stream, '
            'both streams, and what changes from the one to the other, for '
            'the eight classes that change most. Red on the diagonal is an '
            'improvement.'),
    ])
