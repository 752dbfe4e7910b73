# SPDX-License-Identifier: Apache-2.0
"""What one model confuses and another one does not, as in figure 3."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .flow_panel import INK, MUTED

# Beyond this the figure shows a part of the classes unless told otherwise.
_MANY_CLASSES = 20
_PART = 10


def confusion_change_figure(before: np.ndarray,
                            after: np.ndarray,
                            class_names: Sequence[str],
                            names: Sequence[str] = ('RGB stream', 'UF-TSN'),
                            top: int | None = None,
                            subset: Sequence[str] | None = None) -> Figure:
    """Two confusion matrices and their difference, as in figure 3.

    Percentages are of all videos of the true class, also where only a part
    of the classes is shown. The difference is the second matrix minus the
    first one, in percentage points: red on the diagonal is an improvement,
    blue a loss; elsewhere blue is fewer confusions.

    Args:
        before: Number of videos ``(num_classes, num_classes)`` of the first
            model, a row for each true class, a column for each predicted
            one.
        after: The same of the second model.
        class_names: Name of each class.
        names: Names of the two models.
        top: Number of classes to show: those whose accuracy changed most,
            gains first. All up to 20 classes by default, else 10.
        subset: Names of the classes to show instead, in this order.

    Returns:
        The figure; a class without videos has a grey row.

    Raises:
        ValueError: The matrices are not square, have a negative number, do
            not fit each other or the names; ``top`` is below 1, or
            ``subset`` names no class, or one twice.
    """
    before, after = (
        _percent(matrix, name, len(class_names))
        for matrix, name in zip((before, after), names))
    change = after - before
    shown = _choose_classes(change, class_names, top, subset)
    labels = [class_names[index] for index in shown]
    before, after, change = (
        matrix[np.ix_(shown, shown)] for matrix in (before, after, change))
    size = len(shown)
    # Inches; few classes get larger cells, for the titles and the caption.
    cell = max(float(np.clip(13 / size, 0.1, 0.42)), 2.4 / size)
    # Room for the names; a character is about 0.6 of the font's size wide.
    room = 0.6 * _font_size(cell) / 72 * max(map(len, labels))
    figure = Figure(
        figsize=(3 * cell * size + 2 * room + 2.4, cell * size + room + 1.2),
        layout='constrained')
    axes = figure.subplots(1, 3)
    reach = np.nanmax(np.abs(change), initial=1)
    percent = dict(cmap='Blues', vmin=0, vmax=100)
    points = dict(cmap='RdBu_r', vmin=-reach, vmax=reach)
    for axis, matrix, title, style in zip(axes, (before, after, change),
                                          (*names, 'change'),
                                          (percent, percent, points)):
        axis.imshow(matrix, **style)
        _label_axis(axis, labels, cell, first=axis is axes[0])
        axis.set_title(title, fontsize=10, color=INK)
        if size <= _MANY_CLASSES:
            _write_cells(axis, matrix, cell, signed=axis is axes[2])
    _add_colorbar(axes[1], 'percent of the true class', cell * size)
    _add_colorbar(axes[2], 'percentage points', cell * size)
    figure.supxlabel(
        _caption(names, size, len(class_names), chosen=subset is None),
        fontsize=8,
        color=MUTED)
    # The layout of long names settles in its second round only, and drawing
    # the figure is one.
    figure.draw_without_rendering()
    return figure


def _percent(matrix: np.ndarray, name: str, size: int) -> np.ndarray:
    """Percentages of each row; NaN in a row without videos."""
    matrix = np.asarray(matrix, dtype=float)
    if not size or matrix.shape != (size, size) or not (matrix >= 0).all():
        raise ValueError(
            f'the confusion matrix of {name!r} must count videos, one row and '
            f'one column for each of the {size} class_names, got an array of '
            f'shape {matrix.shape} with values from {matrix.min(initial=0):g}')
    totals = matrix.sum(axis=1, keepdims=True)
    percent = np.full_like(matrix, np.nan)
    np.divide(100 * matrix, totals, out=percent, where=totals > 0)
    return percent


def _choose_classes(change: np.ndarray, class_names: Sequence[str],
                    top: int | None,
                    subset: Sequence[str] | None) -> list[int]:
    """Numbers of the classes to show, in the order to show them."""
    if subset is not None:
        unknown = [name for name in subset if name not in class_names]
        if unknown or not subset:
            raise ValueError(f'subset is {list(subset)}, expected names of '
                             f'classes such as {class_names[0]!r}; '
                             f'{unknown} are none')
        twice = [name for name in class_names if list(subset).count(name) > 1]
        if twice:
            raise ValueError(f'subset is {list(subset)}, expected each class '
                             f'once; name {twice[0]!r} only once')
        return [list(class_names).index(name) for name in subset]
    if top is None:
        top = _PART if len(class_names) > _MANY_CLASSES else len(class_names)
    if top < 1:
        raise ValueError(f'top must be 1 class or more, got {top}')
    if top >= len(class_names):
        return list(range(len(class_names)))
    gain = np.nan_to_num(np.diagonal(change))
    # Equal gains: the class whose confusions moved more says more, and one
    # without videos nothing.
    moved = np.nan_to_num(np.abs(change).sum(axis=1), nan=-1)
    largest = np.lexsort((-moved, -np.abs(gain)))[:top]
    return sorted(largest.tolist(), key=lambda index: -gain[index])


def _font_size(cell: float) -> float:
    """Size of the names in points: four fifths of a cell."""
    return min(9, 0.8 * 72 * cell)


def _label_axis(axis: Any, labels: Sequence[str], cell: float,
                first: bool) -> None:
    fontsize = _font_size(cell)
    upright = len(labels) > _MANY_CLASSES
    axis.set_facecolor('#e6e6e6')
    axis.set_xticks(
        range(len(labels)), labels, rotation=90 if upright else 45,
        ha='right', va='center' if upright else 'top',
        rotation_mode='anchor', fontsize=fontsize)
    # The three panels share their rows.
    axis.set_yticks(
        range(len(labels)), labels if first else [''] * len(labels),
        fontsize=fontsize)
    axis.set_xlabel('predicted class', fontsize=9)
    if first:
        axis.set_ylabel('true class', fontsize=9)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _write_cells(axis: Any, matrix: np.ndarray, cell: float,
                 signed: bool) -> None:
    reach = axis.images[0].norm.vmax
    for (row, column), value in np.ndenumerate(matrix):
        if abs(value) >= 0.5:
            axis.text(
                column, row, f'{value:+.0f}' if signed else f'{value:.0f}',
                ha='center', va='center', fontsize=min(8, 22 * cell),
                color='white' if abs(value) > 0.55 * reach else INK)


def _add_colorbar(axis: Any, label: str, side: float) -> None:
    """A colour bar beside a panel of that side in inches, and as high."""
    beside = axis.inset_axes([1 + 0.1 / side, 0, 0.14 / side, 1])
    colorbar = axis.figure.colorbar(axis.images[0], cax=beside)
    colorbar.set_label(label, fontsize=8)
    beside.tick_params(labelsize=8)
    colorbar.outline.set_visible(False)


def _caption(names: Sequence[str], size: int, num_classes: int,
             chosen: bool) -> str:
    text = (f'Change: {names[1]} minus {names[0]}. On the diagonal red is an '
            'improvement and blue a loss; elsewhere blue is fewer confusions '
            'and red more.')
    if size < num_classes:
        which = ', those whose accuracy changed most' if chosen else ''
        text += (f'\n{size} of {num_classes} classes{which}; percentages are '
                 'of all videos of the true class.')
    return text
