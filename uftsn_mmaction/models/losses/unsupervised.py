# SPDX-License-Identifier: Apache-2.0
"""The whole unsupervised loss (eq. 9), in both directions of time."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType
from torch import Tensor, nn

from ..flow.base import FlowEstimator
from .base import FlowLoss, add_losses, sum_levels
from .self_supervision import SelfSupervisionLoss


class UnsupervisedLoss(nn.Module):
    r"""Sum of photometric and smoothness terms (eq. 9).

    .. math:: \frac{1}{M} (\lambda_1 L_{diff} + \lambda_2 L_{census}
        + \lambda_3 L_{smooth})

    The backward flow is trained, too, "as data augmentation" (sec. 2.1): each
    term is the mean over both directions.

    Args:
        terms: Losses such as :class:`PhotometricLoss` and
            :class:`SmoothnessLoss`, which carry their own weights and share
            the levels, and :class:`SelfSupervisionLoss`; any other module
            with the call ``module(flows, clip, backward)`` serves as well.
    """

    def __init__(self, terms: Iterable[nn.Module]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    @property
    def needs_gt_flow(self) -> bool:
        """Return whether a term compares with the true flow."""
        return any(term.needs_gt_flow for term in self.terms
                   if isinstance(term, FlowLoss))

    def forward(
        self,
        flows: Sequence[Tensor],
        flows_back: Sequence[Tensor],
        clip: Tensor,
        gt_flows: Mapping[bool, Tensor | None] | None = None,
        estimator: FlowEstimator | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses by name; losses of one name add up.

        Args:
            flows: Flows from frame t to t+1, finest level first.
            flows_back: Flows from frame t+1 to t, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            gt_flows: True flows ``(N, 2, T-1, H, W)`` of generated clips by
                ``backward``, for :class:`EndPointErrorLoss`.
            estimator: Estimator of the flows, for
                :class:`SelfSupervisionLoss`.
        """
        directions = {False: flows, True: flows_back}
        shared = [term for term in self.terms if isinstance(term, FlowLoss)]
        sums = sum_levels(shared, directions, clip, gt_flows)
        losses: dict[str, Tensor] = {}
        for backward in directions:
            for term in self.terms:
                if isinstance(term, FlowLoss):
                    add_losses(losses, sums[backward, term], term.weight / 2)
                elif not isinstance(term, SelfSupervisionLoss):
                    found = term(directions[backward], clip, backward)
                    add_losses(losses, found, 1 / 2)
        for term in self.terms:
            if isinstance(term, SelfSupervisionLoss):
                found = term(flows, flows_back, clip, estimator)
                add_losses(losses, found, 1)
        return losses


def build_unsupervised_loss(
        flow_losses: Mapping[str, OptConfigType] | None = None,
        photometric_loss: OptConfigType = None,
        smoothness_loss: OptConfigType = None) -> UnsupervisedLoss:
    """Build the whole loss from the configs of its terms.

    Args:
        flow_losses: Config of each term by name; None omits a term.
        photometric_loss: Short for the term ``photometric``.
        smoothness_loss: Short for the term ``smoothness``.

    Raises:
        ValueError: If a term is given in both ways.
    """
    terms: dict[str, ConfigType] = {}
    shorthand = dict(photometric=photometric_loss, smoothness=smoothness_loss)
    for name, cfg in (*shorthand.items(), *(flow_losses or {}).items()):
        if cfg is None:
            continue
        if name in terms:
            raise ValueError(
                f'flow_losses.{name} is given beside {name}_loss, which is '
                'short for it; give one of the two')
        terms[name] = cfg
    return UnsupervisedLoss(MODELS.build(cfg) for cfg in terms.values())
