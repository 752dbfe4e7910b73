# SPDX-License-Identifier: Apache-2.0
"""What a program calls: flow and classes of videos of one's own."""
from .action_inferencer import ActionInferencer, Moment
from .flow_inferencer import FlowInferencer, PairFlow
from .flow_stream import FlowStep, FlowStream

__all__ = [
    'ActionInferencer', 'FlowInferencer', 'FlowStep', 'FlowStream', 'Moment',
    'PairFlow'
]
