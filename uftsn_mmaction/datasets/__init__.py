# SPDX-License-Identifier: Apache-2.0
"""Generated motion, checked video lists and transforms."""
from .random_motion import RandomMotionDataset
from .synthetic_motion import SyntheticMotionDataset
from .transforms.cached_flow import CachedFlow
from .transforms.decord_path import DecordPathInit
from .transforms.flow_geometry import FlipFlow, FormatFlow, ResizeFlow
from .transforms.load_flow import LoadGroundTruthFlow
from .transforms.sample_moving_clips import SampleMovingClips
from .transforms.samplings import Samplings
from .transforms.take_frames import TakeFrames
from .transforms.torch_codec import TorchCodecDecode, TorchCodecInit
from .video import CheckedVideoDataset
from .video_folder import VideoFolderDataset

__all__ = [
    'CachedFlow', 'CheckedVideoDataset', 'DecordPathInit', 'FlipFlow',
    'FormatFlow', 'LoadGroundTruthFlow', 'RandomMotionDataset', 'ResizeFlow',
    'SampleMovingClips', 'Samplings', 'SyntheticMotionDataset', 'TakeFrames',
    'TorchCodecDecode', 'TorchCodecInit', 'VideoFolderDataset'
]
