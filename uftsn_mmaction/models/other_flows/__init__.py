# SPDX-License-Identifier: Apache-2.0
"""Other people's flow behind the contract of the paper's estimator."""
from .dis import DISFlowEstimator
from .pairwise import PairwiseFlowEstimator
from .ptlflow import PTLFlowEstimator
from .tvl1 import TVL1FlowEstimator
from .tvnet import TVNetFlowEstimator

__all__ = [
    'DISFlowEstimator', 'PTLFlowEstimator', 'PairwiseFlowEstimator',
    'TVL1FlowEstimator', 'TVNetFlowEstimator'
]
