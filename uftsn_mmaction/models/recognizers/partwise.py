# SPDX-License-Identifier: Apache-2.0
"""Train some parts of a model while the others are frozen."""
from __future__ import annotations

from collections.abc import Sequence

from torch import nn


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

        Raises:
            ValueError: If a part is unknown, or none is named.
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
