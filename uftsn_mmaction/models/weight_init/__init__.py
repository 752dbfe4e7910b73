# SPDX-License-Identifier: Apache-2.0
"""Start of flow backbones from weights learned on RGB images."""
from .cross_modality import CrossModalityPretrained

__all__ = ['CrossModalityPretrained']
