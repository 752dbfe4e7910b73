# SPDX-License-Identifier: Apache-2.0
"""Motion of a layer between two frames, and its exact inverse.

A motion maps points of frame 1 to where they are seen in frame 2: first
shear waves, then a homography. A shear wave moves points along the crests of
a plane wave. That leaves its phase alone, so that the inverse of each wave is
the wave with the opposite amplitude, in closed form and of any size.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .settings import SceneSettings

# Slope of a wave at which it turns a line by 14 degrees.
_MAX_SLOPE = 0.25
# The cap of a translation, of the shorter side of the frame.
_MAX_TRAVEL = 0.6


@dataclass(frozen=True)
class ShearWave:
    """Displacement ``amplitude * sin(k . x + phase)``, orthogonal to k."""
    wave_number: tuple[float, float]  # k, in radians per pixel, x before y
    amplitude: float  # pixels
    phase: float

    def move(self, points: np.ndarray, sign: int = 1) -> np.ndarray:
        """Move points ``(2, H, W)``, or back with ``sign=-1``."""
        kx, ky = self.wave_number
        length = sign * self.amplitude / np.hypot(kx, ky)
        wave = np.sin(kx * points[0] + ky * points[1] + self.phase)
        moved = np.array(points)
        moved[0] -= float(length * ky) * wave
        moved[1] += float(length * kx) * wave
        return moved


@dataclass(frozen=True, eq=False)
class Motion:
    """Map of points from frame 1 to frame 2."""
    matrix: np.ndarray  # float64 (3, 3), a homography
    waves: tuple[ShearWave, ...] = ()

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self.matrix)

    def forward(self, points: np.ndarray) -> np.ndarray:
        """Map points ``(2, H, W)`` of frame 1, x before y, to frame 2."""
        for wave in self.waves:
            points = wave.move(points)
        return _project(self.matrix, points)

    def backward(self, points: np.ndarray) -> np.ndarray:
        """Map points ``(2, H, W)`` of frame 2, x before y, to frame 1."""
        points = _project(self._inverse, points)
        for wave in reversed(self.waves):
            points = wave.move(points, sign=-1)
        return points


def _project(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a homography to points ``(2, H, W)``, and keep their type."""
    x, y = points
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    projected = np.empty_like(points)
    projected[0] = a * x + b * y + c
    projected[1] = d * x + e * y + f
    if g or h or i != 1:
        projected /= g * x + h * y + i
    return projected


@dataclass(frozen=True)
class _Drift:
    """Parameters of a homography about a centre."""
    translation: np.ndarray  # (2, ), pixels
    angle: float
    log_zoom: float
    shear: tuple[float, float]  # of the angle between the axes, of the aspect
    perspective: np.ndarray  # (2, ), per pixel

    def about(self, centre: np.ndarray) -> np.ndarray:
        """Return the homography ``(3, 3)`` that moves this centre."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        skew, aspect = self.shear
        linear = np.exp(self.log_zoom) * np.array(
            [[cos, -sin], [sin, cos]]) @ np.array([[1 + aspect, skew],
                                                   [skew, 1 - aspect]])
        local = np.eye(3)
        local[:2, :2], local[2, :2] = linear, self.perspective
        return _shift(centre + self.translation) @ local @ _shift(-centre)


class MotionSampler:
    """Draw the motions of the layers of one scene.

    Args:
        rng: Source of the random numbers.
        settings: Ranges.
        size: Height and width of the frame.
    """

    def __init__(self, rng: np.random.Generator, settings: SceneSettings,
                 size: tuple[int, int]) -> None:
        self._rng, self._settings, self._size = rng, settings, size
        strong = rng.random() < settings.strong
        self._deformation = (settings.strong_deformation
                             if strong else settings.deformation)

    def background(self) -> Motion:
        """Draw the motion of the background."""
        if self._rng.random() < self._settings.still_background:
            return Motion(np.eye(3))
        middle = (np.array(self._size[::-1]) - 1) / 2
        return self._motion(self._drift(), middle)

    def of_object(self, place: np.ndarray,
                  background: Motion) -> tuple[Motion, np.ndarray]:
        """Draw the motion of an object, and return its centre in frame 2.

        Halfway between the frames the object is at ``place`` ``(2, )``.
        """
        drift, settings = self._drift(), self._settings
        if self._rng.random() < settings.carried:
            share = self._rng.uniform(*settings.carried_share)
            drift = _carry(drift, background, place, share)
        half = drift.translation / 2
        return self._motion(drift, place - half), place + half

    def _drift(self) -> _Drift:
        rng, settings = self._rng, self._settings
        length = settings.translation * np.exp(
            settings.translation_spread * rng.standard_normal())
        length = min(length, settings.max_translation,
                     _MAX_TRAVEL * min(self._size))
        bearing = rng.uniform(0, 2 * np.pi)
        angle, zoom, *shear = self._deformation * rng.standard_normal(4)
        # A rare draw must not fold the frame.
        tilt = settings.perspective * np.clip(rng.standard_normal(2), -2, 2)
        return _Drift(
            translation=length * np.array([np.cos(bearing), np.sin(bearing)]),
            angle=angle,
            log_zoom=zoom,
            shear=(shear[0] / 2, shear[1] / 2),
            perspective=tilt / (max(self._size) / 2))

    def _motion(self, drift: _Drift, centre: np.ndarray) -> Motion:
        rng, settings = self._rng, self._settings
        waves = ()
        if rng.random() < settings.wobble:
            largest = settings.wobble_share * (
                1 + np.hypot(*drift.translation))
            waves = tuple(self._wave(largest)
                          for _ in range(int(rng.integers(1, 4))))
        return Motion(drift.about(centre), waves)

    def _wave(self, largest: float) -> ShearWave:
        rng = self._rng
        length = min(self._size) * np.exp(rng.uniform(np.log(0.3), np.log(2)))
        number, bearing = 2 * np.pi / length, rng.uniform(0, 2 * np.pi)
        amplitude = min(rng.uniform(0, largest), _MAX_SLOPE / number)
        return ShearWave((float(number * np.cos(bearing)),
                          float(number * np.sin(bearing))), float(amplitude),
                         rng.uniform(0, 2 * np.pi))


def _carry(drift: _Drift, carrier: Motion, centre: np.ndarray,
           share: float) -> _Drift:
    """Add a share of the carrier's motion around a centre ``(2, )``."""
    corner = centre[:, None, None] + [[[0., 1., 0.]], [[0., 0., 1.]]]
    moved = carrier.forward(corner)[:, 0]
    (a, b), (c, d) = moved[:, 1:] - moved[:, :1]
    return replace(
        drift,
        translation=drift.translation + share * (moved[:, 0] - centre),
        angle=drift.angle + share * np.arctan2(c - b, a + d),
        log_zoom=drift.log_zoom + share * np.log(a * d - b * c) / 2)


def _shift(offset: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = offset
    return matrix
