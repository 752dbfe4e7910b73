# SPDX-License-Identifier: Apache-2.0
"""Training steps in which some pairs of frames learn nothing at a level."""
from __future__ import annotations

import torch
from torch import Tensor, nn


class LevelDropout(nn.Module):
    """Take the residual flow of a level from some pairs of frames.

    Finer levels then learn to correct more (as in UFlow; Jonschkowski et
    al., ECCV 2020). The state of a shared decoder starts anew behind it. In
    evaluation nothing is dropped.

    Args:
        probability: Probability of a pair to be dropped.

    Raises:
        ValueError: If that is no probability.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ValueError('level_dropout must be a probability from 0 to '
                             f'1, got {probability}')
        self.probability = probability

    def forward(self, residual: Tensor,
                state: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Set residual flow and state ``(N, C, H, W)`` of some pairs to 0."""
        if not (self.training and self.probability):
            return residual, state
        keep = torch.rand(len(residual), 1, 1, 1) >= self.probability
        keep = keep.to(residual)
        return keep * residual, None if state is None else keep * state

    def extra_repr(self) -> str:
        """Return the probability."""
        return str(self.probability)
