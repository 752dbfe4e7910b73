# SPDX-License-Identifier: Apache-2.0
"""Inferencers: flow and classes of videos of one's own, for programs."""
from .action_inferencer import ActionInferencer, Moment
from .flow_inferencer import FlowInferencer, PairFlow
from .flow_stream import FlowStep, FlowStream

__all__ = [
    'ActionInferencer', 'FlowInferencer', 'FlowStep', 'FlowStream', 'Moment',
    'PairFlow'
]
