# SPDX-License-Identifier: Apache-2.0
"""Base class of the losses on flow, and their sum over levels (eq. 9)."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, nn

from .level import Level, resize_frames


def check_level_weights(weights: float | Sequence[float]) -> tuple[float, ...]:
    """Return the weights as floats; refuse negative ones and all zeros."""
    if isinstance(weights, (int, float)):
        weights = (weights, )
    weights = tuple(float(weight) for weight in weights)
    if not weights or min(weights) < 0 or max(weights) == 0:
        raise ValueError(
            'level_weights must hold one weight per level, level 0 first, '
            f'none negative and at least one above 0, got {weights}')
    return weights


class FlowLoss(nn.Module, ABC):
    """Loss on flow: a function of a level, summed over the levels.

    Args:
        level_weights: Weight of each level, level 0 first. A level of weight
            0 is skipped.
        image_scale: Factor from the range of the clip to 0..255, which the
            weights of eq. 9 assume: with images in [0, 1] the flow collapses.
        weight: Weight of the sum.

    Raises:
        ValueError: If a weight is negative, or all levels have weight 0.
    """

    #: Whether the loss compares with the true flow of generated clips.
    needs_gt_flow: bool = False

    def __init__(self,
                 level_weights: Sequence[float] = (1., 1., 1., 1., 1.),
                 image_scale: float = 255.,
                 weight: float = 1.) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f'weight of {type(self).__name__} must be 0 or '
                             f'more, got {weight}')
        self.level_weights = check_level_weights(level_weights)
        self.image_scale = image_scale
        self.weight = weight

    @abstractmethod
    def compute(self, level: Level) -> dict[str, Tensor]:
        """Compute the losses of one level and direction.

        Returns:
            Scalars by name; a name with ``loss`` in it enters the total.
        """

    def forward(self,
                flows: Sequence[Tensor] | Tensor,
                clip: Tensor,
                backward: bool = False,
                gt_flow: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the losses of one direction, summed over the levels.

        Args:
            flows: Flows ``(N, 2, T-1, H_l, W_l)``, finest level first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            backward: Whether the flows lead from frame t+1 to frame t.
            gt_flow: True flow of that direction ``(N, 2, T-1, H, W)``.

        Raises:
            ValueError: If the number of flows is not that of
                ``level_weights``.
        """
        flows = (flows, ) if isinstance(flows, Tensor) else flows
        found, = sum_levels([self], {backward: flows}, clip,
                            {backward: gt_flow}).values()
        return add_losses({}, found, self.weight)


def sum_levels(
    losses: Iterable[FlowLoss],
    flows: Mapping[bool, Sequence[Tensor]],
    clip: Tensor,
    gt_flows: Mapping[bool, Tensor | None] | None = None,
) -> dict[tuple[bool, FlowLoss], dict[str, Tensor]]:
    """Sum losses over the levels with ``level_weights``.

    The losses share each level, and each level is freed before the next.

    Args:
        losses: Losses to compute.
        flows: Flows of one or both directions, by ``backward``.
        clip: Clips ``(N, 3, T, H, W)``.
        gt_flows: True flows ``(N, 2, T-1, H, W)`` by ``backward``.

    Returns:
        Sums by direction and loss, without the ``weight`` of the loss.
    """
    sizes = [flow.shape[-2:] for flow in next(iter(flows.values()))]
    for loss in losses:
        if len(sizes) != len(loss.level_weights):
            raise ValueError(
                f'level_weights of {type(loss).__name__} has '
                f'{len(loss.level_weights)} entries, but the flow estimator '
                f'returns {len(sizes)} levels; give one weight per entry of '
                'its out_indices')
    sums = {(backward, loss): {} for backward in flows for loss in losses}
    for scale in {loss.image_scale for loss in losses}:
        for index, frames in enumerate(resize_frames(clip, sizes, scale)):
            for backward in flows:
                there, back = flows[backward], flows.get(not backward)
                level = Level(there[index], frames, backward,
                              None if back is None else back[index],
                              (gt_flows or {}).get(backward))
                for loss in losses:
                    weight = loss.level_weights[index]
                    if weight and loss.image_scale == scale:
                        add_losses(sums[backward, loss], loss.compute(level),
                                   weight)
    return sums


def add_losses(total: dict[str, Tensor], losses: Mapping[str, Tensor],
               weight: float) -> dict[str, Tensor]:
    """Add weighted losses to those of the same name, and return the sums."""
    for name, value in losses.items():
        total[name] = total.get(name, 0) + weight * value
    return total
