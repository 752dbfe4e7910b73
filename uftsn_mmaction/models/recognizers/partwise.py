# SPDX-License-Identifier: Apache-2.0
"""Training some parts of a model while the others stand still."""
from __future__ import annotations

from collections.abc import Sequence

from torch import nn


class PartwiseTraining(nn.Module):
    """Mixin: the children of a model can be frozen one by one.

    A frozen part keeps its weights and its normalisation statistics, also
    when the training loop switches the whole model to training mode.
    """

    frozen_parts: tuple[str, ...] = ()
    _trainable: frozenset[str] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the children that have parameters."""
        return tuple(
            name for name, child in self.named_children()
            if any(True for _ in child.parameters()))

    def train_only(self, train: Sequence[str]) -> None:
        """Freeze all parts but some.

        Parameters that did not require a gradient at the first call, such as
        those of ``frozen_stages``, never will.

        Raises:
            ValueError: A part is unknown, or none is named.
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
                # An accumulated gradient would still move it.
                parameter.grad = None
        self.train(self.training)

    def train(self, mode: bool = True) -> PartwiseTraining:
        """Switch to training mode, but for the frozen parts."""
        super().train(mode)
        if mode:
            for part in self.frozen_parts:
                getattr(self, part).eval()
        return self
