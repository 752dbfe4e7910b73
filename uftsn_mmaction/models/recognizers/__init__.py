# SPDX-License-Identifier: Apache-2.0
"""Recognizers: the motion stream (fig. 1a)."""
from .uftsn import UFTSNRecognizer

__all__ = ['UFTSNRecognizer']
