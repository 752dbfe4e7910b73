# SPDX-License-Identifier: Apache-2.0
"""Generated motion, checked video lists and ground truth flow."""
from .synthetic_motion import SyntheticMotionDataset
from .transforms import LoadGroundTruthFlow
from .video import CheckedVideoDataset

__all__ = [
    'CheckedVideoDataset', 'LoadGroundTruthFlow', 'SyntheticMotionDataset'
]
