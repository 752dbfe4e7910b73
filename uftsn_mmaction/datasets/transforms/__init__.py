# SPDX-License-Identifier: Apache-2.0
from .load_flow import LoadGroundTruthFlow

__all__ = ['LoadGroundTruthFlow']
