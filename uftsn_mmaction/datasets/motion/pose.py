# SPDX-License-Identifier: Apache-2.0
"""Poses of an object over time, and the flow that follows from them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PoseTrack:
    """Similarity transforms from object to image coordinates, one per frame.

    At time t the point q of the object is seen at
    ``scale[t] * R(angle[t]) q + centre[t]``, with R the rotation that turns
    x into y.
    """
    centre: np.ndarray  # (T, 2), x before y, in pixels
    angle: np.ndarray  # (T,), in radians
    scale: np.ndarray  # (T,), image pixels per object unit

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """Map image points ``(2, H, W)`` to the object, ``(T, 2, H, W)``."""
        relative = points - self.centre[:, :, None, None]
        return np.einsum('tij,tjhw->tihw', self._inverse_linear(), relative)

    def flow(self, points: np.ndarray) -> np.ndarray:
        """Return the flow of image points to the next frame, in pixels.

        ``U_t(x) = A_{t+1}(A_t^{-1}(x)) - x`` with A_t the pose at time t, for
        points ``(2, H, W)``, x before y: ``(T-1, 2, H, W)``, u before v.
        """
        local = self.to_local(points)[:-1]
        moved = np.einsum('tij,tjhw->tihw', self._linear()[1:], local)
        return moved + self.centre[1:, :, None, None] - points

    def inverse_matrices(self, units: float) -> np.ndarray:
        """Return matrices ``(T, 2, 3)`` from image to object coordinates.

        The object coordinates are multiplied by ``units``, such as texels per
        pixel.
        """
        linear = units * self._inverse_linear()
        offset = -np.einsum('tij,tj->ti', linear, self.centre)
        return np.concatenate([linear, offset[..., None]], -1)

    def _rotation(self) -> np.ndarray:
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)

    def _linear(self) -> np.ndarray:
        return self.scale[:, None, None] * self._rotation()

    def _inverse_linear(self) -> np.ndarray:
        return self._rotation().transpose(0, 2, 1) / self.scale[:, None, None]
