# SPDX-License-Identifier: Apache-2.0
"""Metrics of the flow and of what the motion stream can see."""
from .end_point_error import EndPointError, end_point_error, known_flow_mask
from .motion_accuracy import MotionAccuracy

__all__ = [
    'EndPointError', 'MotionAccuracy', 'end_point_error', 'known_flow_mask'
]
