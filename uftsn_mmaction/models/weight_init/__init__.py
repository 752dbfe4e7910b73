# SPDX-License-Identifier: Apache-2.0
"""Start of backbones from weights learned on RGB images."""
from .cross_modality import CrossModalityPretrained
from .packaged_imagenet import load_packaged

__all__ = ['CrossModalityPretrained', 'load_packaged']
