# SPDX-License-Identifier: Apache-2.0
"""Figures of a run: training curves, confusion matrix, and their PNG files.

The figures belong to no window and to no global state of matplotlib; they
are drawn when they are saved, with the Agg renderer.
"""
from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .flow_panel import INK, MUTED, flow_panel

__all__ = [
    'confusion_matrix_figure', 'figure_to_png', 'flow_panel', 'training_curves'
]

# Colour-blind safe, dark enough for lines on white.
_LINES = ('#0072b2', '#d55e00', '#009e73', '#cc79a7')
_SPANS = ('#dce9f5', '#fbeedc', '#e2f1e3', '#f1e3ef')


def figure_to_png(figure: Figure, dpi: int = 120) -> bytes:
    """The PNG file of a figure.

    Args:
        figure: Figure to draw.
        dpi: Pixels per inch.

    Returns:
        Content of the file; equal figures give equal bytes.
    """
    buffer = io.BytesIO()
    # Without the version of matplotlib, which would be all that differs.
    figure.savefig(buffer, format='png', dpi=dpi, metadata={'Software': None})
    return buffer.getvalue()


def training_curves(
    history: Sequence[Mapping[str, float]],
    stages: Sequence[Mapping[str, Any]] = (),
    errors: Mapping[str, str] | None = None,
    accuracies: Mapping[str, str] | None = None,
    error_references: Mapping[str, float] | None = None,
    accuracy_references: Mapping[str, float] | None = None,
) -> Figure:
    """AEPE and accuracy over the epochs of a staged training.

    Args:
        history: Metrics after each epoch: dicts of ``epoch`` (number of
            finished epochs) and metric name to value. A metric may be
            missing in some of them.
        stages: The stages as ``StagedTrainingHook`` takes them; used are
            ``name`` and ``begin``, the number of epochs before the stage.
        errors: Metric name to label of the upper curves; ``flow/AEPE`` by
            default.
        accuracies: The same for the lower ones, values in [0, 1];
            ``acc/top1`` and ``motion/top1`` by default.
        error_references: Label to AEPE in pixels of horizontal lines, such
            as zero flow and TV-L1.
        accuracy_references: The same for accuracies.

    Returns:
        The figure. A half without any value is left out.

    Raises:
        ValueError: The history has none of the metrics.
    """
    errors = errors or {'flow/AEPE': 'AEPE'}
    accuracies = accuracies or {
        'acc/top1': 'top-1',
        'motion/top1': 'motion top-1'
    }
    halves = [
        half for half in (
            (errors, error_references or {}, 'AEPE in pixels'),
            (accuracies, accuracy_references or {}, 'accuracy'),
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
    for axis, (metrics, references, name) in zip(axes, halves):
        _draw_stages(axis, stages, end, named=axis is axes[0])
        _draw_curves(axis, history, metrics, references)
        axis.set_ylabel(name)
        if metrics is accuracies:
            axis.set_ylim(0, 1.02)
        else:
            axis.set_ylim(bottom=0)
    axes[-1].set_xlabel('epoch')
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_xlim(0, max(end, 1) * 1.01)
    return figure


def _draw_stages(axis: Any, stages: Sequence[Mapping[str, Any]], end: float,
                 named: bool) -> None:
    begins = [stage['begin'] for stage in stages]
    for index, (stage, begin, stop) in enumerate(
            zip(stages, begins, begins[1:] + [end])):
        stop = min(stop, end)
        if stop <= begin:
            continue
        axis.axvspan(
            begin, stop, color=_SPANS[index % len(_SPANS)], lw=0, zorder=0)
        if named:
            axis.text((begin + stop) / 2,
                      1.02,
                      stage['name'],
                      transform=axis.get_xaxis_transform(),
                      ha='center',
                      va='bottom',
                      fontsize=9,
                      color=INK)


def _draw_curves(axis: Any, history: Sequence[Mapping[str, float]],
                 metrics: Mapping[str, str],
                 references: Mapping[str, float]) -> None:
    for style, (label, value) in zip(('--', ':', '-.') * len(references),
                                     references.items()):
        axis.axhline(
            value,
            color=MUTED,
            lw=1.2,
            ls=style,
            label=f'{label} ({value:.3g})')
    for color, (name, label) in zip(_LINES * len(metrics), metrics.items()):
        points = [(record['epoch'], record[name]) for record in history
                  if name in record]
        if points:
            axis.plot(
                *zip(*points), color=color, lw=1.8, marker='o', ms=3.5,
                label=label)
    axis.legend(fontsize=8, framealpha=0.9, edgecolor='none')
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(axis='y', color='white', lw=0.8)
    axis.set_axisbelow(True)


def confusion_matrix_figure(matrix: np.ndarray,
                            class_names: Sequence[str],
                            title: str | None = None) -> Figure:
    """Where the samples of each class end up, in percent of the class.

    Args:
        matrix: Number of samples ``(num_classes, num_classes)``, a row for
            each true class, a column for each predicted one.
        class_names: Name of each class.
        title: Text above the matrix.

    Returns:
        The figure. A class without samples has a grey row; up to 20 classes
        the percentages are written into the cells.

    Raises:
        ValueError: The matrix is not square, has a negative number, or the
            names do not fit it.
    """
    matrix = np.asarray(matrix, dtype=float)
    size = len(class_names)
    if matrix.shape != (size, size) or (matrix < 0).any():
        raise ValueError(
            'A confusion matrix counts samples, one row and one column for '
            f'each of the {size} class_names, got an array of shape '
            f'{matrix.shape} with values from {matrix.min(initial=0):g}')
    totals = matrix.sum(axis=1, keepdims=True)
    percent = np.full_like(matrix, np.nan)
    np.divide(100 * matrix, totals, out=percent, where=totals > 0)
    side = min(2.2 + 0.42 * size, 14)
    figure = Figure(figsize=(side + 0.6, side), layout='constrained')
    axis = figure.subplots()
    axis.set_facecolor('#e6e6e6')
    image = axis.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    # In points: four fifths of a row, which is 72 points an inch.
    fontsize = min(9, 0.8 * 0.75 * 72 * side / max(size, 1))
    axis.set_xticks(
        range(size), class_names, rotation=45 if size <= 20 else 90,
        ha='right', va='top' if size <= 20 else 'center',
        rotation_mode='anchor', fontsize=fontsize)
    axis.set_yticks(range(size), class_names, fontsize=fontsize)
    axis.set(xlabel='predicted class', ylabel='true class')
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    if size <= 20:
        for (row, column), value in np.ndenumerate(percent):
            if value >= 0.5:
                axis.text(column, row, f'{value:.0f}', ha='center',
                          va='center', fontsize=8,
                          color='white' if value > 55 else INK)
    colorbar = figure.colorbar(image, ax=axis, fraction=0.04)
    colorbar.set_label('percent of the true class')
    colorbar.outline.set_visible(False)
    if title:
        axis.set_title(title, fontsize=11, color=INK)
    return figure
