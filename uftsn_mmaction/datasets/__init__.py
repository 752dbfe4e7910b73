# SPDX-License-Identifier: Apache-2.0
"""Generated motion, checked video lists and transforms."""
from .synthetic_motion import SyntheticMotionDataset
from .transforms import LoadGroundTruthFlow, Samplings, TakeFrames
from .video import CheckedVideoDataset

__all__ = [
    'CheckedVideoDataset', 'LoadGroundTruthFlow', 'Samplings',
    'SyntheticMotionDataset', 'TakeFrames'
]
