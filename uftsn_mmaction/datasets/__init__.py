# SPDX-License-Identifier: Apache-2.0
"""Generated motion, checked video lists and transforms."""
from .synthetic_motion import SyntheticMotionDataset
from .transforms import (
    CachedFlow,
    FlipFlow,
    FormatFlow,
    LoadGroundTruthFlow,
    ResizeFlow,
    Samplings,
    TakeFrames,
)
from .video import CheckedVideoDataset

__all__ = [
    'CachedFlow', 'CheckedVideoDataset', 'FlipFlow', 'FormatFlow',
    'LoadGroundTruthFlow', 'ResizeFlow', 'Samplings', 'SyntheticMotionDataset',
    'TakeFrames'
]
