# SPDX-License-Identifier: Apache-2.0
"""Camera effects on a pair of frames: colours, blur and noise."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .settings import SceneSettings

# Weights of the channels in the brightness (ITU-R BT.601).
_BRIGHTNESS = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class Tone:
    """Map of colours: gamma, then a linear map."""
    gamma: float
    matrix: np.ndarray  # (3, 4)

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Map a float32 frame ``(H, W, 3)`` of grey levels 0 to 255."""
        frame = np.clip(frame, 0, 255)
        if self.gamma != 1:
            frame = 255 * cv2.pow(frame / 255, self.gamma)
        return cv2.transform(frame, self.matrix)


def random_tone(rng: np.random.Generator, settings: SceneSettings,
                size: float = 1, saturation: float = 1) -> Tone:
    """Draw a change of the tone, ``size`` times as large as the settings."""
    contrast, gamma = np.exp(size * rng.uniform(-1, 1, 2) * [
        settings.contrast, settings.gamma])
    channels = np.exp(size * settings.colour * rng.uniform(-1, 1, 3))
    mix = saturation * np.eye(3) + (1 - saturation) * _BRIGHTNESS
    matrix = contrast * channels[:, None] * mix
    # The contrast turns about the middle of the range.
    offset = 127.5 * (1 - contrast) + (
        size * settings.brightness * rng.uniform(-1, 1))
    return Tone(float(gamma), np.hstack([matrix, np.full((3, 1), offset)]))


def photograph(rng: np.random.Generator, settings: SceneSettings,
               frames: list[np.ndarray]) -> list[np.ndarray]:
    """Take two frames ``(H, W, 3)`` with a random camera, uint8."""
    tone = random_tone(rng, settings,
                       saturation=_draw(rng, settings.saturation, 1))
    blur = rng.random() < settings.blur
    sigma = rng.uniform(*settings.blur_sigma)
    if blur and sigma:
        frames = [cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames]
    frames = [tone.apply(frame) for frame in frames]
    if rng.random() < settings.asymmetric:
        change = random_tone(rng, settings, size=settings.asymmetry)
        frames[1] = change.apply(frames[1])
    deviation = rng.uniform(*settings.noise)
    if deviation:
        # Four times as fast as the normal numbers of NumPy.
        cv2.setRNGSeed(int(rng.integers(2**31)))
        noise = np.empty((2, frames[0].size), np.float32)
        cv2.randn(noise, 0, deviation)
        noise = noise.reshape(2, *frames[0].shape)
        frames = [frame + grain for frame, grain in zip(frames, noise)]
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8)
            for frame in frames]


def _draw(rng: np.random.Generator, limits: tuple[float, float],
          default: float) -> float:
    """Draw from a range, or return the default if it is switched off."""
    return rng.uniform(*limits) if any(limits) else default
