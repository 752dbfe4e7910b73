# SPDX-License-Identifier: Apache-2.0
"""Weights learnt on RGB images for backbones that take a flow stack."""
from .cross_modality import CrossModalityPretrained

__all__ = ['CrossModalityPretrained']
