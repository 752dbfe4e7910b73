# SPDX-License-Identifier: Apache-2.0
from .load_flow import LoadGroundTruthFlow
from .samplings import Samplings
from .take_frames import TakeFrames

__all__ = ['LoadGroundTruthFlow', 'Samplings', 'TakeFrames']
