# SPDX-License-Identifier: Apache-2.0
"""Curves over the course of a training, with its stages."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from math import isfinite
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from .figure import INK, MUTED, finish_figure

# Colour-blind safe, dark enough for lines on white.
_LINES = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#7a6a00', '#5b4b8a')
_SPANS = ('#dce9f5', '#fbeedc', '#e2f1e3', '#f1e3ef')
# Up to here each point has a dot.
_FEW = 50


@dataclass(frozen=True)
class Panel:
    """Curves that share a scale.

    Args:
        name: What is measured, with its unit.
        lines: Points ``(x, y)`` by the label of their curve; NaN as y
            leaves a gap.
        references: Values of horizontal lines by label.
        log: Whether the scale is logarithmic.
        highest: Upper end of the scale.
    """
    name: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    references: Mapping[str, float] = field(default_factory=dict)
    log: bool = False
    highest: float | None = None


def curves_figure(panels: Sequence[Panel],
                  stages: Sequence[Mapping[str, Any]] = (),
                  unit: str = 'epoch') -> Figure:
    """Draw panels below each other.

    Args:
        panels: One or more.
        stages: ``name`` and ``begin`` of each stage, in order.
        unit: What is counted on the horizontal axis.
    """
    end = max(x for panel in panels for points in panel.lines.values()
              for x, _ in points)
    figure = Figure(figsize=(7, 0.6 + 2.3 * len(panels)),
                    layout='constrained')
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels):
        _draw_stages(axis, stages, end, named=axis is axes[0])
        _draw_curves(axis, panel)
    axes[-1].set_xlabel(unit)
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


def _draw_curves(axis: Axes, panel: Panel) -> None:
    for (label, value), style in zip(panel.references.items(),
                                     cycle(('--', ':', '-.'))):
        axis.axhline(value, color=MUTED, lw=1.2, ls=style,
                     label=f'{label} ({value:.3g})')
    for (label, points), color in zip(panel.lines.items(), cycle(_LINES)):
        if points:
            marker = 'o' if len(points) <= _FEW else None
            axis.plot(*zip(*points), color=color, lw=1.8, marker=marker,
                      ms=3.5, label=label)
    axis.legend(fontsize=8, framealpha=0.9, edgecolor='none')
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(axis='y', color='white', lw=0.8)
    axis.set_axisbelow(True)
    axis.set_ylabel(panel.name)
    if panel.log:
        axis.set_yscale('log')
        # The default writes formulas.
        axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f'{y:g}'))
        axis.yaxis.set_minor_formatter(NullFormatter())
    else:
        values = [*panel.references.values(), *(
            y for points in panel.lines.values() for _, y in points
            if isfinite(y))]
        axis.set_ylim(0, panel.highest or 1.08 * max(0, *values) or 1)
