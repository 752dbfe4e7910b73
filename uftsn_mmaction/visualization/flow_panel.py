# SPDX-License-Identifier: Apache-2.0
"""Figure 2 of the paper: estimated flows side by side."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.end_point_error import end_point_error, known_flow_mask
from .figure import INK, MUTED, finish_figure
from .flow_color import color_wheel_legend, flow_to_color, max_flow_norm


def flow_panel(rows: Sequence[Mapping[str, Any]],
               frame_name: str = 'frame',
               gt_name: str = 'ground truth') -> Figure:
    """Draw flows side by side, one video a row, as in figure 2 of the paper.

    All flows of a row share one colour scale: 1.2 times the largest speed of
    its ground truth (or of all its flows where there is none), written under
    the frame. Under each estimate stands its AEPE.

    Args:
        rows: For each row a dict of ``frame``, 8-bit RGB ``(H, W, 3)``;
            ``flows``, a dict of column name to flow ``(2, H, W)``;
            optionally ``gt_flow`` ``(2, H, W)``, and ``label``, a text to
            the left of the row. All rows have the same columns.
        frame_name: Title of the first column.
        gt_name: Title of the ground truth's column.

    Raises:
        ValueError: If there is no row, or rows have different columns.
    """
    columns = []
    for row in rows:
        gt = [gt_name] if row.get('gt_flow') is not None else []
        columns.append([frame_name, *gt, *row['flows']])
    if not rows or any(names != columns[0] for names in columns):
        raise ValueError('flow_panel expects rows that all have the same '
                         f'columns, got {columns}; draw several panels')
    height, width = np.shape(rows[0]['frame'])[:2]
    cell, number = 1.7, len(columns[0])  # inches, columns
    figure = Figure(
        figsize=(cell * (number + 0.75),
                 (cell * height / width + 0.22) * len(rows) + 0.3),
        layout='constrained')
    axes = figure.subplots(
        len(rows), number + 1, squeeze=False,
        width_ratios=[1] * number + [0.6])
    for row, row_axes in zip(rows, axes):
        _draw_row(row, row_axes[:-1])
        row_axes[-1].axis('off')
    for axis, name in zip(axes[0], columns[0]):
        axis.set_title(name, fontsize=9, color=INK)
    wheel = axes[0, -1]
    wheel.imshow(color_wheel_legend())
    wheel.set_title('direction,\nspeed', fontsize=8, color=MUTED)
    return finish_figure(figure)


def _draw_row(row: Mapping[str, Any], axes: Sequence[Axes]) -> None:
    """Draw one video: the frame, the ground truth if known, the estimates."""
    gt, flows = row.get('gt_flow'), list(row['flows'].values())
    scaled_by = flows if gt is None else [gt]
    # Without some room the slightest overshoot of an estimate would be dark.
    max_norm = 1.2 * max(map(max_flow_norm, scaled_by), default=0) or 1.
    pictures = [(row['frame'], f'full colour: {max_norm:.1f} px')]
    if gt is not None:
        pictures.append((flow_to_color(gt, max_norm), ''))
        known = known_flow_mask(gt).numpy()
    for flow in flows:
        note = ''
        if gt is not None and known.any():
            # No nanmean: an estimate that is not finite has to show.
            error = end_point_error(np.asarray(flow), gt)[known]
            note = f'AEPE {error.mean():.2f}'
        pictures.append((flow_to_color(flow, max_norm), note))
    for axis, (picture, note) in zip(axes, pictures):
        axis.imshow(picture)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color('#cccccc')
        axis.set_xlabel(note, fontsize=8, color=MUTED, labelpad=3)
    axes[0].set_ylabel(row.get('label', ''), fontsize=9, color=INK)
