# SPDX-License-Identifier: Apache-2.0
"""Confusion matrices in percent of the true class.

MMAction2 counts the samples (``ConfusionMatrix.calculate``). Its ``plot``
cannot draw percentages, differences or classes without samples, and leaves
the figure open in pyplot, hence this code.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figure import INK, finish_figure

#: Up to here, percentages are written into the cells.
MANY_CLASSES = 20


def confusion_matrix_figure(matrix: np.ndarray,
                            class_names: Sequence[str],
                            title: str | None = None) -> Figure:
    """Draw a confusion matrix in percent of the true class.

    A class without samples has a grey row.

    Args:
        matrix: Number of samples ``(num_classes, num_classes)``, true
            classes in rows, predicted ones in columns.
        class_names: Name of each class.
        title: Text above the matrix.

    Raises:
        ValueError: If the matrix does not count samples of these classes.
    """
    return confusion_matrices_figure({title or '': matrix}, class_names)


def confusion_matrices_figure(matrices: Mapping[str, np.ndarray],
                              class_names: Sequence[str]) -> Figure:
    """Draw the confusion matrices of several models, or streams, in a row.

    Args:
        matrices: Matrix of each model by its name, as
            :func:`confusion_matrix_figure` takes it.
        class_names: Name of each class.

    Raises:
        ValueError: If there is none, or as :func:`confusion_matrix_figure`.
    """
    if not matrices:
        raise ValueError('confusion_matrices_figure got no matrix; give one')
    percentages = {name: row_percentages(matrix, class_names, name or 'it')
                   for name, matrix in matrices.items()}
    cell, room = cell_and_room(class_names)
    side, number = cell * len(class_names), len(matrices)
    figure = Figure(
        figsize=(number * side + room + 1.2, side + room + 0.7),
        layout='constrained')
    axes = figure.subplots(1, number, squeeze=False)[0]
    for axis, (name, percent) in zip(axes, percentages.items()):
        draw_matrix(axis, percent, class_names, cell,
                    name_rows=axis is axes[0])
        if name:
            axis.set_title(name, fontsize=11, color=INK)
    add_colorbar(axes[-1], 'percent of the true class', side)
    return finish_figure(figure)


def row_percentages(matrix: np.ndarray, class_names: Sequence[str],
                    name: str = 'the model') -> np.ndarray:
    """Return the percentages of each row; NaN in a row without samples."""
    matrix, size = np.asarray(matrix, dtype=float), len(class_names)
    if not size or matrix.shape != (size, size) or not (matrix >= 0).all():
        raise ValueError(
            f'The confusion matrix of {name!r} must count samples, one row '
            f'and one column for each of the {size} class_names, got shape '
            f'{matrix.shape} with values from {matrix.min(initial=0):g}')
    totals = matrix.sum(axis=1, keepdims=True)
    return np.divide(
        100 * matrix, totals, out=np.full_like(matrix, np.nan),
        where=totals > 0)


def cell_and_room(labels: Sequence[str]) -> tuple[float, float]:
    """Return the side of a cell and the room for the labels, in inches."""
    # Few classes get larger cells, so that titles fit above the matrix.
    cell = max(min(max(13 / len(labels), 0.1), 0.42), 2.4 / len(labels))
    # A character is about 0.6 of the font's size wide.
    return cell, 0.6 * _font_size(cell) / 72 * max(map(len, labels))


def draw_matrix(axis: Axes, values: np.ndarray, labels: Sequence[str],
                cell: float, change: bool = False,
                name_rows: bool = True) -> None:
    """Draw a square matrix of percentages with its class names.

    Args:
        axis: Where to draw.
        values: Percentages, or percentage points.
        labels: Names of the classes.
        cell: Side of a cell in inches.
        change: Whether the values are a change, with a sign.
        name_rows: Whether the rows have names, or share another panel's.
    """
    if change:
        reach = np.nanmax(np.abs(values), initial=1)
        axis.imshow(values, cmap='RdBu_r', vmin=-reach, vmax=reach)
    else:
        reach = 100
        axis.imshow(values, cmap='Blues', vmin=0, vmax=reach)
    fontsize, upright = _font_size(cell), len(labels) > MANY_CLASSES
    axis.set_facecolor('#e6e6e6')
    axis.set_xticks(
        range(len(labels)), labels, rotation=90 if upright else 45,
        ha='right', va='center' if upright else 'top',
        rotation_mode='anchor', fontsize=fontsize)
    axis.set_yticks(
        range(len(labels)), labels if name_rows else [''] * len(labels),
        fontsize=fontsize)
    axis.set_xlabel('predicted class', fontsize=9)
    axis.set_ylabel('true class' if name_rows else '', fontsize=9)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    if upright:
        return
    for (row, column), value in np.ndenumerate(values):
        if abs(value) >= 0.5:
            axis.text(
                column, row, f'{value:+.0f}' if change else f'{value:.0f}',
                ha='center', va='center', fontsize=min(8, 22 * cell),
                color='white' if abs(value) > 0.55 * reach else INK)


def _font_size(cell: float) -> float:
    """Return the size of the labels in points: four fifths of a cell."""
    return min(9, 0.8 * 72 * cell)


def add_colorbar(axis: Axes, label: str, side: float) -> None:
    """Add a colour bar beside a panel with that side in inches."""
    beside = axis.inset_axes([1 + 0.1 / side, 0, 0.14 / side, 1])
    colorbar = axis.figure.colorbar(axis.images[0], cax=beside)
    colorbar.set_label(label, fontsize=8)
    beside.tick_params(labelsize=8)
    colorbar.outline.set_visible(False)
