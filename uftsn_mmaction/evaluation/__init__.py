# SPDX-License-Identifier: Apache-2.0
"""Metrics of flow, and of the part of a class that is motion."""
from .end_point_error import EndPointError, end_point_error, known_flow_mask
from .motion_accuracy import MotionAccuracy
from .reconstruction_error import ReconstructionError

__all__ = [
    'EndPointError', 'MotionAccuracy', 'ReconstructionError',
    'end_point_error', 'known_flow_mask'
]
