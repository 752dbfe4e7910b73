# SPDX-License-Identifier: Apache-2.0
"""Recognizers: the motion stream (fig. 1a)."""
from .flow_stack import stack_flow
from .uftsn import UFTSNRecognizer

__all__ = ['UFTSNRecognizer', 'stack_flow']
