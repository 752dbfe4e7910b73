# SPDX-License-Identifier: Apache-2.0
"""Figures of flows, of a training run and of its results."""
from .confusion_change import confusion_change_figure
from .confusion_matrix import (
    confusion_matrices_figure,
    confusion_matrix_figure,
)
from .figure import figure_to_png
from .flow_color import color_wheel_legend, flow_to_color, max_flow_norm
from .flow_panel import flow_panel
from .flow_pictures import FlowPicturesHook
from .prediction_pictures import PredictionPicturesHook
from .tiles import Tile, add_wheel, heat_map, tile
from .training_curves import training_curves

__all__ = [
    'FlowPicturesHook', 'PredictionPicturesHook', 'Tile', 'add_wheel',
    'color_wheel_legend', 'confusion_change_figure',
    'confusion_matrices_figure', 'confusion_matrix_figure', 'figure_to_png',
    'flow_panel', 'flow_to_color', 'heat_map', 'max_flow_norm', 'tile',
    'training_curves'
]
