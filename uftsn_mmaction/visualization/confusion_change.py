# SPDX-License-Identifier: Apache-2.0
"""Figure 3 of the paper: the confusions of two models, and what changes."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .confusion_matrix import (
    MANY_CLASSES,
    add_colorbar,
    cell_and_room,
    draw_matrix,
    row_percentages,
)
from .figure import INK, MUTED, finish_figure

# Number of classes shown by default where there are many.
_PART = 10


def confusion_change_figure(before: np.ndarray,
                            after: np.ndarray,
                            class_names: Sequence[str],
                            names: Sequence[str] = ('RGB stream', 'UF-TSN'),
                            top: int | None = None,
                            subset: Sequence[str] | None = None) -> Figure:
    """Draw two confusion matrices and their difference, as in figure 3.

    Percentages are of all videos of the true class, also where only a part
    of the classes is shown. A class without videos has a grey row.

    Args:
        before: Number of videos ``(num_classes, num_classes)`` of the first
            model, true classes in rows, predicted ones in columns.
        after: The same of the second model.
        class_names: Name of each class.
        names: Names of the two models.
        top: Number of classes to show: those whose accuracy changed most,
            gains first. All up to 20 classes by default, else 10.
        subset: Names of the classes to show instead, in this order.

    Raises:
        ValueError: If a matrix does not fit the names, ``top`` is below 1,
            or ``subset`` names an unknown class, or one twice.
    """
    before, after = (
        row_percentages(matrix, class_names, name)
        for matrix, name in zip((before, after), names))
    change = after - before
    shown = _choose_classes(change, class_names, top, subset)
    labels = [class_names[index] for index in shown]
    cell, room = cell_and_room(labels)
    side = cell * len(shown)
    size = (3 * side + 2 * room + 2.4, side + room + 1.2)
    figure = Figure(figsize=size, layout='constrained')
    axes = figure.subplots(1, 3)
    for axis, values, title in zip(axes, (before, after, change),
                                   (*names, 'change')):
        draw_matrix(axis, values[np.ix_(shown, shown)], labels, cell,
                    change=values is change, name_rows=values is before)
        axis.set_title(title, fontsize=10, color=INK)
    add_colorbar(axes[1], 'percent of the true class', side)
    add_colorbar(axes[2], 'percentage points', side)
    caption = (
        f'Change: {names[1]} minus {names[0]}. On the diagonal red is an '
        'improvement and blue a loss; elsewhere blue is fewer confusions '
        'and red more.')
    if len(shown) < len(class_names):
        which = '' if subset else ', those whose accuracy changed most'
        caption += (f'\n{len(shown)} of {len(class_names)} classes{which}; '
                    'percentages are of all videos of the true class.')
    figure.supxlabel(caption, fontsize=8, color=MUTED)
    return finish_figure(figure)


def _choose_classes(change: np.ndarray, class_names: Sequence[str],
                    top: int | None,
                    subset: Sequence[str] | None) -> list[int]:
    """Return the indices of the classes to show, in order."""
    if subset is not None:
        unknown = [name for name in subset if name not in class_names]
        if unknown or not subset or len(set(subset)) < len(subset):
            raise ValueError(
                f'subset is {list(subset)}, expected different names of '
                f'classes such as {class_names[0]!r}; unknown are {unknown}')
        return [list(class_names).index(name) for name in subset]
    if top is None:
        top = _PART if len(class_names) > MANY_CLASSES else len(class_names)
    if top < 1:
        raise ValueError(f'top must be 1 class or more, got {top}')
    if top >= len(class_names):
        return list(range(len(class_names)))
    gain = np.nan_to_num(np.diagonal(change))
    # Of equal gains, the class whose confusions moved more comes first, and
    # one without videos last.
    moved = np.nan_to_num(np.abs(change).sum(axis=1), nan=-1)
    largest = np.lexsort((-moved, -np.abs(gain)))[:top]
    return sorted(largest.tolist(), key=lambda index: -gain[index])
