# SPDX-License-Identifier: Apache-2.0
"""Stages of the motion stream: trained parts and losses (sec. 3.2)."""
from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..flow.base import FlowEstimator

#: Terms of the training loss: eq. 9, and cross entropy.
LOSSES = ('flow', 'cls')


class PartwiseTraining(nn.Module):
    """Mixin of a model whose children can be frozen one by one.

    A frozen part keeps its weights and normalisation statistics even when
    the training loop switches the whole model to training mode.
    """

    frozen_parts: tuple[str, ...] = ()
    _trainable: frozenset[str] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the children that have parameters."""
        return tuple(name for name, child in self.named_children()
                     if any(True for _ in child.parameters()))

    def train_only(self, train: Sequence[str]) -> None:
        """Freeze all parts except the named ones.

        Parameters that required no gradient at the first call, such as those
        of ``frozen_stages``, stay frozen for good.
        """
        if not train or not set(train) <= set(self.parts):
            raise ValueError('train of a stage must name parts among '
                             f'{self.parts}, got {tuple(train)}')
        if self._trainable is None:
            self._trainable = frozenset(
                name for name, parameter in self.named_parameters()
                if parameter.requires_grad)
        self.frozen_parts = tuple(
            part for part in self.parts if part not in train)
        for name, parameter in self.named_parameters():
            if name not in self._trainable:
                continue
            trains = name.split('.')[0] in train
            parameter.requires_grad_(trains)
            if not trains:
                # An optimizer would still apply an accumulated gradient.
                parameter.grad = None
        self.train(self.training)

    def train(self, mode: bool = True) -> PartwiseTraining:
        """Switch all but the frozen parts to training mode."""
        super().train(mode)
        if mode:
            for part in self.frozen_parts:
                self.get_submodule(part).eval()
        return self


class StagedTraining(PartwiseTraining):
    """Mixin of a recognizer with a ``flow_estimator`` and a ``flow_loss``.

    Attributes:
        loss_weights: Weight of each active loss.
        detach_flow: Whether the classifier's gradient stops at the flow.
    """

    flow_estimator: FlowEstimator
    loss_weights: dict[str, float]
    detach_flow: bool = False

    def set_stage(self,
                  train: Sequence[str],
                  losses: dict[str, float],
                  detach_flow: bool = False) -> None:
        """Choose the parts to train and the losses (sec. 3.2).

        Args:
            train: Parts to train, among :attr:`parts`.
            losses: Weights of the terms ``flow`` and ``cls``.
            detach_flow: True stops the classifier's gradient at the flow.

        Raises:
            ValueError: If a part or a loss is unknown, or a part cannot be
                trained, or not by these losses.
        """
        if 'flow_estimator' in train and not self.flow_estimator.can_train:
            raise ValueError(
                'A stage trains flow_estimator, but '
                f'{type(self.flow_estimator).__name__} cannot be trained; '
                'leave flow_estimator out of its train, or drop the stage: '
                'with this estimator, the stage \'classifier\' is enough')
        weights = self.check_losses(losses)
        reached = set(self.parts) if 'cls' in weights else {'flow_estimator'}
        if detach_flow and 'flow' not in weights:
            reached -= {'flow_estimator'}
        missed = sorted(set(train) & set(self.parts) - reached)
        if missed:
            raise ValueError(
                f'A stage trains {missed}, which its losses '
                f'{tuple(weights)} do not reach; add the missing loss or '
                'train fewer parts')
        self.train_only(train)
        self.loss_weights = weights
        self.detach_flow = detach_flow

    @property
    def has_random_flow(self) -> bool:
        """Return whether flow is random without a stage or a checkpoint."""
        return self.flow_estimator.has_random_weights

    def check_losses(self, losses: dict[str, float]) -> dict[str, float]:
        """Return the losses whose weight is not 0, if the model has them."""
        weights = {name: weight for name, weight in losses.items() if weight}
        if (not weights or not set(weights) <= set(LOSSES)
                or min(weights.values()) < 0):
            raise ValueError('losses must give a weight above 0 to one or '
                             f'more of {LOSSES}, got {dict(losses)}')
        if 'cls' in weights and not self.with_cls_head:
            raise ValueError('The cls loss has a weight, but the model has no '
                             'cls_head; configure one')
        if 'flow' in weights and not self.flow_loss.terms:
            raise ValueError(
                'The flow loss has a weight, but the model has no flow_losses '
                '(photometric_loss, smoothness_loss); configure one')
        if 'flow' in weights and not self.flow_estimator.can_train:
            raise ValueError(
                'The flow loss has a weight, but '
                f'{type(self.flow_estimator).__name__} cannot be trained; '
                'leave flow out of the losses')
        return weights
