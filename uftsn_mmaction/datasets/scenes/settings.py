# SPDX-License-Identifier: Apache-2.0
"""Settings of the random scenes."""
from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

# Largest values of probabilities, and of what would fold a layer.
_LARGEST = dict.fromkeys(
    ('soft', 'still_background', 'carried', 'strong', 'wobble', 'renewal',
     'asymmetric', 'blur', 'motion_blur'), 1)
_LARGEST.update(deformation=0.3, strong_deformation=0.3, perspective=0.05)
# Their order is kept in 8 bits.
_LARGEST.update(objects=255)
_INTEGERS = ('objects', 'pool')
_NAMES = {int: 'integer', Real: 'number'}
# Ranges that are drawn on a logarithmic scale.
_POSITIVE = ('object_radius', 'texture_scale')


@dataclass(frozen=True)
class SceneSettings:
    """Probabilities and ranges from which a pair of frames is drawn.

    A range ``(low, high)`` is uniform. ``None`` or 0 switches an effect off.
    Lengths are in pixels, whatever the size of the frames; intensities are
    in grey levels of 0 to 255.

    Attributes:
        objects: Least and largest number of objects.
        object_radius: Range of the radius of an object (log-uniform),
            relative to the shorter side of the frame.
        soft, softness: Probability of an edge that is out of focus, and
            range of the standard deviation of its blur.
        translation: Median of the translation of a layer (log-normal).
        translation_spread: Standard deviation of its logarithm.
        max_translation: Largest translation; 0.6 of the shorter side where
            that is less.
        still_background: Probability of a background at rest.
        carried: Probability that an object is carried by the background.
        carried_share: Range of the share of the background's motion that a
            carried object adds to its own (parallax).
        deformation: Standard deviation of rotation (radians) and of the
            logarithm of the zoom; that of shear is half of it.
        strong_deformation, strong: The same in some scenes, and their
            probability.
        perspective: Standard deviation of the relative change of scale from
            the middle of the frame to its border.
        wobble: Probability of waves in the motion of a layer.
        wobble_share: Largest amplitude of a wave, relative to the
            translation of its layer plus one pixel.
        texture_scale: Range of the texels per pixel (log-uniform).
        pool, renewal: Number of textures that a worker keeps (0.8 MB each
            for frames of 128x128, at most 3 MB), and the probability that a
            layer replaces one of them by a new one.
        shading: Largest change of brightness across a layer.
        brightness, contrast, gamma, colour: Changes common to both frames:
            grey levels; logarithm of a factor, of the exponent, and of a
            factor per channel; each drawn between minus and plus this.
        saturation: Range of the factor of the saturation.
        asymmetric: Probability of a further change of the second frame.
        asymmetry: Size of that change, relative to the common one.
        blur, blur_sigma: Probability and range of a Gaussian blur.
        motion_blur, exposure: Probability of motion blur, and range of the
            exposure relative to the time between the frames.
        noise: Range of the standard deviation of the noise.

    Raises:
        TypeError: If a range is no pair.
        ValueError: If a number is out of range.
    """
    objects: tuple[int, int] | None = (0, 7)
    object_radius: tuple[float, float] = (0.05, 0.45)
    soft: float = 0.15
    softness: tuple[float, float] = (0.3, 1.5)
    translation: float = 3.
    translation_spread: float = 1.1
    max_translation: float = 80.
    still_background: float = 0.1
    carried: float = 0.8
    carried_share: tuple[float, float] = (0.3, 1.)
    deformation: float = 0.03
    strong_deformation: float = 0.1
    strong: float = 0.3
    perspective: float = 0.02
    wobble: float = 0.3
    wobble_share: float = 0.2
    texture_scale: tuple[float, float] = (0.8, 2.)
    pool: int = 48
    renewal: float = 0.05
    shading: float = 40.
    brightness: float = 25.
    contrast: float = 0.3
    gamma: float = 0.3
    colour: float = 0.15
    saturation: tuple[float, float] | None = (0.2, 1.1)
    asymmetric: float = 0.5
    asymmetry: float = 0.3
    blur: float = 0.25
    blur_sigma: tuple[float, float] = (0.4, 1.5)
    motion_blur: float = 0.12
    exposure: tuple[float, float] = (0.1, 0.6)
    noise: tuple[float, float] | None = (0., 10.)

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if isinstance(field.default, tuple):
                value = self._check_range(name, value or (0, 0))
            else:
                value = self._check_number(name, value or 0)
            object.__setattr__(self, name, value)

    @staticmethod
    def _check_range(name: str, value: Any) -> tuple:
        kind = int if name in _INTEGERS else Real
        if (not isinstance(value, (list, tuple)) or len(value) != 2
                or not all(isinstance(end, kind) for end in value)):
            raise TypeError(f'{name} is {value!r}, expected two '
                            f'{_NAMES[kind]}s (low, high); give both ends of '
                            'the range')
        if not 0 <= value[0] <= value[1]:
            raise ValueError(f'{name} is {value!r}, expected 0 <= low <= '
                             'high; correct the range')
        largest = _LARGEST.get(name, float('inf'))
        if value[1] > largest:
            raise ValueError(f'{name} is {value!r}, expected at most '
                             f'{largest}; lower its high end')
        if name in _POSITIVE and value[0] == 0:
            raise ValueError(f'{name} is {value!r}, expected a range above '
                             '0; raise its low end')
        # Configs hold lists, which would not compare equal.
        return tuple(value)

    @staticmethod
    def _check_number(name: str, value: Any) -> float:
        kind = int if name in _INTEGERS else Real
        if not isinstance(value, kind):
            raise TypeError(f'{name} is {value!r}, expected one '
                            f'{_NAMES[kind]}; correct the scene settings')
        largest = _LARGEST.get(name, float('inf'))
        if not 0 <= value <= largest:
            raise ValueError(f'{name} is {value!r}, expected 0 to {largest}; '
                             'correct the scene settings')
        return value

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> SceneSettings:
        """Build settings from a config, and refuse unknown keys."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ValueError(f'scene settings {unknown} are unknown, expected '
                             f'some of {known}')
        return cls(**settings)
