# SPDX-License-Identifier: Apache-2.0
"""What a program calls: flow of videos of one's own."""
from .flow_inferencer import FlowInferencer, PairFlow

__all__ = ['FlowInferencer', 'PairFlow']
