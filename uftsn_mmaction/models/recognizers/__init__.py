# SPDX-License-Identifier: Apache-2.0
"""Recognizers: the motion stream (fig. 1a), and the fusion of streams."""
from .cached_flow import CachedFlowRecognizer
from .flow_stack import stack_flow
from .fusion import FusionRecognizer
from .uftsn import UFTSNRecognizer

__all__ = [
    'CachedFlowRecognizer', 'FusionRecognizer', 'UFTSNRecognizer', 'stack_flow'
]
