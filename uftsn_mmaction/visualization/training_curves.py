# SPDX-License-Identifier: Apache-2.0
"""AEPE and accuracy over the epochs of a staged training."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figure import INK, MUTED, finish_figure

# Colour-blind safe, dark enough for lines on white.
_LINES = ('#0072b2', '#d55e00', '#009e73', '#cc79a7')
_SPANS = ('#dce9f5', '#fbeedc', '#e2f1e3', '#f1e3ef')


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
    halves = [
        half for half in (
            (errors, error_references or {}, 'AEPE in pixels', None),
            (accuracies, accuracy_references or {}, 'accuracy', 1.02),
        ) if any(name in record for name in half[0] for record in history)
    ]
    if not halves:
        raise ValueError(
            f'The history has none of {[*errors, *accuracies]}, got '
            f'{sorted({name for record in history for name in record})}; '
            'name the metrics in errors and accuracies')
    end = max(record['epoch'] for record in history)
    figure = Figure(figsize=(7, 0.6 + 2.3 * len(halves)), layout='constrained')
    axes = figure.subplots(len(halves), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (metrics, references, name, highest) in zip(axes, halves):
        _draw_stages(axis, stages, end, named=axis is axes[0])
        _draw_curves(axis, history, metrics, references)
        axis.set_ylabel(name)
        axis.set_ylim(0, highest)
    axes[-1].set_xlabel('epoch')
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_xlim(0, max(end, 1) * 1.01)
    return finish_figure(figure)


def _draw_stages(axis: Axes, stages: Sequence[Mapping[str, Any]], end: float,
                 named: bool) -> None:
    begins = [min(stage['begin'], end) for stage in stages]
    for stage, begin, stop, color in zip(stages, begins, [*begins[1:], end],
                                         cycle(_SPANS)):
        if stop <= begin:
            continue
        axis.axvspan(begin, stop, color=color, lw=0, zorder=0)
        if named:
            axis.text(
                (begin + stop) / 2, 1.02, stage['name'],
                transform=axis.get_xaxis_transform(), ha='center',
                va='bottom', fontsize=9, color=INK)


def _draw_curves(axis: Axes, history: Sequence[Mapping[str, float]],
                 metrics: Mapping[str, str],
                 references: Mapping[str, float]) -> None:
    for (label, value), style in zip(references.items(),
                                     cycle(('--', ':', '-.'))):
        axis.axhline(value, color=MUTED, lw=1.2, ls=style,
                     label=f'{label} ({value:.3g})')
    for (name, label), color in zip(metrics.items(), cycle(_LINES)):
        points = [(record['epoch'], record[name]) for record in history
                  if name in record]
        if points:
            axis.plot(*zip(*points), color=color, lw=1.8, marker='o', ms=3.5,
                      label=label)
    axis.legend(fontsize=8, framealpha=0.9, edgecolor='none')
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(axis='y', color='white', lw=0.8)
    axis.set_axisbelow(True)
