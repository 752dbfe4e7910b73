# SPDX-License-Identifier: Apache-2.0
from .cached_flow import CachedFlow
from .flow_geometry import FlipFlow, FormatFlow, ResizeFlow
from .load_flow import LoadGroundTruthFlow
from .samplings import Samplings
from .take_frames import TakeFrames

__all__ = [
    'CachedFlow', 'FlipFlow', 'FormatFlow', 'LoadGroundTruthFlow',
    'ResizeFlow', 'Samplings', 'TakeFrames'
]
