# SPDX-License-Identifier: Apache-2.0
"""Other sources of flow behind the contract of the paper's estimator."""
from .cached import CachedFlowEstimator
from .dis import DISFlowEstimator
from .pairwise import PairwiseFlowEstimator
from .ptlflow import PTLFlowEstimator
from .refined import RefinedFlowEstimator
from .tvl1 import TVL1FlowEstimator
from .tvnet import TVNetFlowEstimator
from .zero import ZeroFlowEstimator

__all__ = [
    'CachedFlowEstimator', 'DISFlowEstimator', 'PTLFlowEstimator',
    'PairwiseFlowEstimator', 'RefinedFlowEstimator', 'TVL1FlowEstimator',
    'TVNetFlowEstimator', 'ZeroFlowEstimator'
]
