# SPDX-License-Identifier: Apache-2.0
"""Sizes of the flow estimator, by name."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ...fileio.weights_file import boxed_names


@dataclass(frozen=True)
class Plan:
    """Sizes of ``UnsupervisedFlowEstimator``.

    Attributes:
        pyramid_channels: Feature channels of level 1, 2, ...
        decoder_channels: Hidden channels of the decoders, level 0 first; one
            entry more than ``pyramid_channels``. With ``state_channels``
            those of the one decoder.
        max_displacement: Search radius of the cost volume in pixels, one for
            all levels or one per level, level 0 first.
        state_channels: Channels of the state that one decoder for all levels
            carries, see :class:`SharedFlowDecoder`; None gives each level a
            decoder of its own, as in the paper.
        finest_level: Finest level with a decoder; finer flows are upsampled.
        num_passes: Passes at ``finest_level``, each with a warp of its own.
        learned_upsampling: Whether :class:`ConvexUpsampling` brings the flow
            of ``finest_level`` to level 0, which takes a state.
        context_dilations: Dilations of the convolutions of a
            :class:`ContextNetwork` after the last pass; none by default.
        num_scales: Sizes of the frames to estimate at, each half of the next;
            the flow of one is where the next starts from.

    Raises:
        ValueError: If the entries do not fit the number of levels or each
            other, or a value is out of range.
    """
    pyramid_channels: Sequence[int]
    decoder_channels: Sequence[Any]
    max_displacement: int | Sequence[int]
    state_channels: int | None = None
    finest_level: int = 0
    num_passes: int = 1
    learned_upsampling: bool = False
    context_dilations: Sequence[int] = ()
    num_scales: int = 1

    def __post_init__(self) -> None:
        last = self.num_levels - 1
        if isinstance(self.max_displacement, int):
            radius = (self.max_displacement, ) * self.num_levels
            object.__setattr__(self, 'max_displacement', radius)
        per_level = dict(max_displacement=self.max_displacement)
        if self.state_channels is None:
            per_level['decoder_channels'] = self.decoder_channels
        for name, value in per_level.items():
            if len(value) != self.num_levels:
                raise ValueError(
                    f'{name} must have one entry for each of the '
                    f'{self.num_levels} levels (level 0 and one per entry of '
                    f'pyramid_channels), got {len(value)}: {value}')
        if not 0 <= self.finest_level <= last:
            raise ValueError('finest_level must be a level between 0 and '
                             f'{last}, got {self.finest_level}')
        for name in ('num_passes', 'num_scales'):
            if getattr(self, name) < 1:
                raise ValueError(
                    f'{name} must be 1 or more, got {getattr(self, name)}')
        if min(self.context_dilations, default=1) < 1:
            raise ValueError('context_dilations must be 1 or more each, got '
                             f'{self.context_dilations}')
        if self.state_channels is not None and len(
                set(self.max_displacement[self.finest_level:])) > 1:
            raise ValueError(
                'max_displacement must be the same at all levels that share '
                f'a decoder, got {self.max_displacement}; give one number, '
                'or leave state_channels out')
        if self.learned_upsampling and (self.state_channels is None
                                        or self.finest_level == 0):
            raise ValueError(
                'learned_upsampling=True needs state_channels and a '
                'finest_level above 0, got '
                f'{self.state_channels} and {self.finest_level}')

    @property
    def num_levels(self) -> int:
        """Number of levels, level 0 included."""
        return len(self.pyramid_channels) + 1

    def decoded_levels(self, multi_scale: bool = True) -> tuple[int, ...]:
        """Return the level of each pass, coarse to fine as in the method.

        Without ``multi_scale``, ``finest_level`` is the only one.

        Raises:
            ValueError: If that is to start from another scale.
        """
        if self.num_scales > 1 and not multi_scale:
            raise ValueError(
                f'num_scales is {self.num_scales}, but multi_scale=False '
                'estimates at one level alone, from zero flow; leave one of '
                'them out')
        coarser = range(self.num_levels - 1, self.finest_level, -1)
        return (*(coarser if multi_scale else ()),
                *(self.finest_level, ) * self.num_passes)

    def replace(self, **sizes: Any) -> Plan:
        """Return the plan with other sizes; None keeps the plan's."""
        given = {name: size for name, size in sizes.items()
                 if size is not None}
        return replace(self, **given)


#: Plans by name.
PLANS: Mapping[str, Plan] = MappingProxyType({
    # 5.7 M parameters, as in table 3.
    'uftsn': Plan(
        pyramid_channels=(16, 32, 64, 128),
        decoder_channels=((16, 16), (48, 32, 16), (160, 120, 80, 48, 32),
                          (304, 224, 144, 80, 48), (416, 352, 256, 160, 64)),
        max_displacement=(2, 4, 4, 4, 4)),
    # 0.43 M parameters, for CPUs, tests and small frames.
    'uftsn_small': Plan(
        pyramid_channels=(12, 16, 24, 32),
        decoder_channels=((8, 8), (16, 16), (32, 24, 16), (64, 48, 32),
                          (96, 80, 64, 32)),
        max_displacement=(2, 4, 4, 4, 4)),
    # 0.6 M parameters: better flow in half the time of the paper's plan.
    'uftsn_plus': Plan(
        pyramid_channels=(16, 32, 64, 96),
        decoder_channels=(128, 96, 64),
        max_displacement=4,
        state_channels=32,
        finest_level=2,
        num_passes=2,
        learned_upsampling=True),
    # 0.2 M parameters, for CPUs and tests.
    'uftsn_plus_tiny': Plan(
        pyramid_channels=(12, 24, 32, 48),
        decoder_channels=(64, 48),
        max_displacement=3,
        state_channels=24,
        finest_level=2,
        learned_upsampling=True),
})


def choose_plan(owner: str, plan: str | None, pretrained: str | None,
                **sizes: Any) -> Plan:
    """Return the plan of an estimator, with the sizes that replace its own.

    Args:
        owner: Name of the estimator, for messages.
        plan: Name in :data:`PLANS`; None for the plan of ``pretrained``, or
            the paper's.
        pretrained: Name of weights in the box, None for random ones.
        sizes: See :meth:`Plan.replace`.

    Raises:
        ValueError: If a name is unknown, or the sizes do not fit.
    """
    if pretrained not in (None, *boxed_names()):
        raise ValueError(f'pretrained of {owner} must be one of '
                         f'{boxed_names()}, got {pretrained!r}')
    if plan is None:
        plan = pretrained or 'uftsn'
    if plan not in PLANS:
        raise ValueError(f'plan of {owner} must be one of {tuple(PLANS)}, '
                         f'got {plan!r}')
    return PLANS[plan].replace(**sizes)
