# SPDX-License-Identifier: Apache-2.0
"""Pictures of flows, of a training run and of its results."""
from .confusion_change import confusion_change_figure
from .figures import (
    confusion_matrix_figure,
    figure_to_png,
    flow_panel,
    training_curves,
)
from .flow_color import color_wheel_legend, flow_to_color, max_flow_norm
from .report import ReportFigure, ReportSection, ReportTable, write_report

__all__ = [
    'ReportFigure', 'ReportSection', 'ReportTable', 'color_wheel_legend',
    'confusion_change_figure', 'confusion_matrix_figure', 'figure_to_png',
    'flow_panel', 'flow_to_color', 'max_flow_norm', 'training_curves',
    'write_report'
]
