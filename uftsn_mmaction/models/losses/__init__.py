# SPDX-License-Identifier: Apache-2.0
"""Unsupervised losses (sec. 2.2)."""
from .census import census_distance, census_loss, census_transform
from .photometric import PhotometricLoss, difference_loss
from .smoothness import SmoothnessLoss, smoothness_loss
from .unsupervised import UnsupervisedLoss

__all__ = [
    'PhotometricLoss', 'SmoothnessLoss', 'UnsupervisedLoss',
    'census_distance', 'census_loss', 'census_transform', 'difference_loss',
    'smoothness_loss'
]
