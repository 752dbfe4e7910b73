# SPDX-License-Identifier: Apache-2.0
"""AEPE and accuracy over the epochs of a staged training."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from .curves import Panel, curves_figure


def training_curves(
    history: Sequence[Mapping[str, float]],
    stages: Sequence[Mapping[str, Any]] = (),
    errors: Mapping[str, str] | None = None,
    accuracies: Mapping[str, str] | None = None,
    error_references: Mapping[str, float] | None = None,
    accuracy_references: Mapping[str, float] | None = None,
) -> Figure:
    """Draw AEPE over accuracy; a half without any value is left out.

    Args:
        history: Metrics by name after each epoch, with ``epoch``, the number
            of finished epochs. A metric may be missing in some.
        stages: ``name`` and ``begin`` (epochs before the stage) of each
            stage, in order.
        errors: Metric name to label of the upper curves; ``flow/AEPE`` by
            default.
        accuracies: The same for the lower ones, values in [0, 1];
            ``acc/top1`` and ``motion/top1`` by default.
        error_references: Label to AEPE in pixels of horizontal lines, such
            as zero flow and TV-L1.
        accuracy_references: The same for accuracies.

    Raises:
        ValueError: If the history has none of the metrics.
    """
    errors = errors or {'flow/AEPE': 'AEPE'}
    accuracies = accuracies or {
        'acc/top1': 'top-1',
        'motion/top1': 'motion top-1'
    }
    panels = [
        Panel(name, {label: [(record['epoch'], record[metric])
                             for record in history if metric in record]
                     for metric, label in metrics.items()},
              references or {}, highest=highest)
        for metrics, references, name, highest in (
            (errors, error_references, 'AEPE in pixels', None),
            (accuracies, accuracy_references, 'accuracy', 1.02))]
    panels = [panel for panel in panels if any(panel.lines.values())]
    if not panels:
        raise ValueError(
            f'The history has none of {[*errors, *accuracies]}, got '
            f'{sorted({name for record in history for name in record})}; '
            'name the metrics in errors and accuracies')
    return curves_figure(panels, stages)
