# SPDX-License-Identifier: Apache-2.0
"""Zero flow, the baseline of every comparison."""
from __future__ import annotations

from mmaction.registry import MODELS
from torch import Tensor

from .pairwise import PairwiseFlowEstimator


@MODELS.register_module()
class ZeroFlowEstimator(PairwiseFlowEstimator):
    """No motion anywhere: the error that an estimator has to beat."""

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Return zeros ``(P, 2, H, W)``."""
        return first.new_zeros((first.shape[0], 2, *first.shape[-2:]))
