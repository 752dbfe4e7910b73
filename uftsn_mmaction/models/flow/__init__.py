# SPDX-License-Identifier: Apache-2.0
"""Motion estimation (sec. 2.1)."""
from .base import FlowEstimator, build_flow_estimator
from .estimator import UnsupervisedFlowEstimator
from .match import normalize_features
from .plans import PLANS
from .warp import backward_warp, resize_flow, valid_mask
from .warp_correlate import cost_volume, warp_correlate

__all__ = [
    'PLANS', 'FlowEstimator', 'UnsupervisedFlowEstimator', 'backward_warp',
    'build_flow_estimator', 'cost_volume', 'normalize_features',
    'resize_flow', 'valid_mask', 'warp_correlate'
]
