# SPDX-License-Identifier: Apache-2.0
"""Settings of a generated motion set."""
from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from .renderer import MotionRenderer

# Raise the version whenever equal settings would render other clips.
FORMAT = {'format': 'uftsn_mmaction generated motion', 'version': 1}


@dataclass(frozen=True)
class MotionSetSettings:
    """Settings that determine the content of a generated set.

    Attributes:
        num_train, num_test: Clips of the two splits; a multiple of 16 has
            equally many of every class.
        size: Height and width of the frames in pixels, even, 32 or more.
        num_frames: Frames per clip, 2 or more.
        speed, background_speed: Mean displacements in pixels per frame.
        seed: Random seed. A clip depends on the other settings, the split and
            its index, so that smaller sets are the beginning of larger ones.

    Raises:
        TypeError: If ``size`` is not a pair.
        ValueError: If a number is out of range.
    """
    num_train: int = 384
    num_test: int = 96
    size: tuple[int, int] = (64, 64)
    num_frames: int = 12
    speed: float = 2.0
    background_speed: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.size, (list, tuple)):
            raise TypeError(
                f'size is {self.size!r}, expected (height, width) in pixels')
        # Configs and JSON hold lists, which would not compare equal.
        object.__setattr__(self, 'size', tuple(self.size))
        for split in ('train', 'test'):
            if self.num_clips(split) < 1:
                raise ValueError(
                    f'num_{split} is {self.num_clips(split)}, expected at '
                    'least one clip in each split')
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}, expected 0 or more')
        self.renderer()  # checks the rest

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> MotionSetSettings:
        """Build settings from a config, and refuse unknown keys."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ValueError(
                f'generator settings {unknown} are unknown, expected some of '
                f'{known}')
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Describe the settings for JSON."""
        return {**FORMAT, **asdict(self), 'size': list(self.size)}

    def renderer(self) -> MotionRenderer:
        return MotionRenderer(self.size, self.num_frames, self.speed,
                              self.background_speed)

    def num_clips(self, split: str) -> int:
        return {'train': self.num_train, 'test': self.num_test}[split]
