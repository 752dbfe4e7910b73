# SPDX-License-Identifier: Apache-2.0
"""Versions of what computed a number."""
from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import cv2
import torch

from ..version import __version__

_PACKAGES = ('torchvision', 'numpy', 'mmengine', 'mmcv', 'mmcv-lite',
             'mmaction2', 'ptlflow')


def library_versions() -> dict[str, str]:
    """Versions by name; what is not installed is left out."""
    versions = dict(
        uftsn_mmaction=__version__,
        python=platform.python_version(),
        # Of their distributions there are several.
        torch=torch.__version__,
        opencv=cv2.__version__)
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
