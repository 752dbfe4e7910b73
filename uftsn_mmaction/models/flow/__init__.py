# SPDX-License-Identifier: Apache-2.0
"""Motion estimation (sec. 2.1)."""
from .cost_volume import cost_volume, normalize_features
from .dis import DISFlowEstimator
from .estimator import UnsupervisedFlowEstimator
from .pairwise import PairwiseFlowEstimator
from .ptlflow import PTLFlowEstimator
from .tvl1 import TVL1FlowEstimator
from .tvnet import TVNetFlowEstimator
from .warp import backward_warp, resize_flow, valid_mask

__all__ = [
    'DISFlowEstimator', 'PTLFlowEstimator', 'PairwiseFlowEstimator',
    'TVL1FlowEstimator', 'TVNetFlowEstimator', 'UnsupervisedFlowEstimator',
    'backward_warp', 'cost_volume', 'normalize_features', 'resize_flow',
    'valid_mask'
]
