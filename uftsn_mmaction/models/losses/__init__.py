# SPDX-License-Identifier: Apache-2.0
"""Unsupervised losses (sec. 2.2)."""
from .base import FlowLoss
from .census import census_distance, census_transform
from .end_point_error import EndPointErrorLoss, end_point_error_loss
from .level import Level
from .occlusion import forward_backward_mask, range_map, range_map_mask
from .photometric import (
    PhotometricLoss,
    census_loss,
    difference_loss,
    ssim_loss,
)
from .self_supervision import SelfSupervisionLoss
from .smoothness import SmoothnessLoss, smoothness_loss
from .ssim import ssim_distance
from .unsupervised import UnsupervisedLoss, build_unsupervised_loss

__all__ = [
    'EndPointErrorLoss', 'FlowLoss', 'Level', 'PhotometricLoss',
    'SelfSupervisionLoss', 'SmoothnessLoss', 'UnsupervisedLoss',
    'build_unsupervised_loss', 'census_distance', 'census_loss',
    'census_transform', 'difference_loss', 'end_point_error_loss',
    'forward_backward_mask', 'range_map', 'range_map_mask', 'smoothness_loss',
    'ssim_distance', 'ssim_loss'
]
