# SPDX-License-Identifier: Apache-2.0
"""Random colours that fit each other."""
from __future__ import annotations

import cv2
import numpy as np


def random_palette(rng: np.random.Generator, count: int = 6) -> np.ndarray:
    """Draw colours, float32 RGB ``(count, 3)`` in grey levels of 0 to 255.

    They are natural (little saturation), vivid, grey, close to one colour,
    or dark and light versions of a hue.
    """
    draw = _PALETTES[rng.choice(len(_PALETTES), p=_SHARES)]
    hue, saturation, value = draw(rng, count)
    hsv = np.stack([360 * (hue % 1), np.clip(saturation, 0, 1),
                    np.clip(value, 0, 1)], -1)
    colours = cv2.cvtColor(hsv[None].astype(np.float32), cv2.COLOR_HSV2RGB)
    return 255 * colours[0]


# Hue, saturation and value of each colour, in [0, 1].
_HSV = tuple[np.ndarray, np.ndarray, np.ndarray]


def _natural(rng: np.random.Generator, count: int) -> _HSV:
    hue = rng.choice([0.07, 0.11, 0.3, 0.58]) + 0.06 * rng.standard_normal(
        count)
    return hue, rng.uniform(0, 0.5, count), rng.uniform(0.1, 0.95, count)


def _vivid(rng: np.random.Generator, count: int) -> _HSV:
    return (rng.uniform(0, 1, count), rng.uniform(0.4, 1, count),
            rng.uniform(0.15, 1, count))


def _grey(rng: np.random.Generator, count: int) -> _HSV:
    tint = rng.uniform(0, 0.12)
    return (np.full(count, rng.random()), np.full(count, tint),
            rng.uniform(0.05, 1, count))


def _close(rng: np.random.Generator, count: int) -> _HSV:
    spread = rng.uniform(0.02, 0.12)
    base = rng.uniform([0, 0, 0.2], [1, 0.8, 0.9])
    return tuple((base + spread * rng.standard_normal((count, 3))).T)


def _one_hue(rng: np.random.Generator, count: int) -> _HSV:
    return (rng.random() + 0.03 * rng.standard_normal(count),
            rng.uniform(0.1, 0.8, count), rng.uniform(0.05, 1, count))


_PALETTES = (_natural, _vivid, _grey, _close, _one_hue)
_SHARES = (0.35, 0.2, 0.12, 0.18, 0.15)
