# SPDX-License-Identifier: Apache-2.0
"""The whole unsupervised loss (eq. 9), in both directions of time."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn


class UnsupervisedLoss(nn.Module):
    r"""Sum of the photometric and the smoothness terms (eq. 9).

    .. math:: \frac{1}{M} (\lambda_1 L_{diff} + \lambda_2 L_{census}
        + \lambda_3 L_{smooth})

    Forward and backward flow both train, the backward one "as data
    augmentation" (sec. 2.1): each term is the mean over the two directions.

    Args:
        terms: Modules such as :class:`PhotometricLoss` and
            :class:`SmoothnessLoss`, which carry their own weights.
    """

    def __init__(self, terms: Iterable[nn.Module]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    def forward(self, flows: Sequence[Tensor] | Tensor,
                flows_back: Sequence[Tensor] | Tensor,
                clip: Tensor) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            flows: Flows from frame t to t+1, finest level first.
            flows_back: Flows from frame t+1 to t, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
        """
        losses: dict[str, Tensor] = {}
        for directed, backward in ((flows, False), (flows_back, True)):
            for term in self.terms:
                for name, value in term(directed, clip, backward).items():
                    losses[name] = losses.get(name, 0) + value / 2
        return losses
