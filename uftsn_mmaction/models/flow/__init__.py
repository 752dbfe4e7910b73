# SPDX-License-Identifier: Apache-2.0
"""Motion estimation (sec. 2.1)."""
from .classical import TVL1FlowEstimator
from .cost_volume import cost_volume, normalize_features
from .estimator import UnsupervisedFlowEstimator
from .warp import backward_warp, resize_flow, valid_mask

__all__ = [
    'TVL1FlowEstimator', 'UnsupervisedFlowEstimator', 'backward_warp',
    'cost_volume', 'normalize_features', 'resize_flow', 'valid_mask'
]
