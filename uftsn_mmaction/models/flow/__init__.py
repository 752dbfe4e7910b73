# SPDX-License-Identifier: Apache-2.0
"""Motion estimation (sec. 2.1)."""
from .estimator import UnsupervisedFlowEstimator
from .match import cost_volume, normalize_features
from .warp import backward_warp, resize_flow, valid_mask

__all__ = [
    'UnsupervisedFlowEstimator', 'backward_warp', 'cost_volume',
    'normalize_features', 'resize_flow', 'valid_mask'
]
