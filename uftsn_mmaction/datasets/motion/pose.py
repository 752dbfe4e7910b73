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

    Attributes:
        centre: ``(T, 2)``, x before y, in pixels.
        angle: ``(T,)``, in radians.
        scale: ``(T,)``, image pixels per object unit.
    """
    centre: np.ndarray
    angle: np.ndarray
    scale: np.ndarray

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """Map image points to object coordinates at every time.

        Args:
            points: ``(2, H, W)``, x before y, in pixels.

        Returns:
            ``(T, 2, H, W)``.
        """
        relative = points - self.centre[:, :, None, None]
        return np.einsum('tij,tjhw->tihw', self._inverse_linear(), relative)

    def flow(self, points: np.ndarray) -> np.ndarray:
        """Return the flow of image points to the next frame.

        ``U_t(x) = A_{t+1}(A_t^{-1}(x)) - x`` with A_t the pose at time t.

        Args:
            points: ``(2, H, W)``, x before y, in pixels.

        Returns:
            ``(T-1, 2, H, W)``, u before v, in pixels.
        """
        local = self.to_local(points)[:-1]
        moved = np.einsum('tij,tjhw->tihw', self._linear()[1:], local)
        return moved + self.centre[1:, :, None, None] - points

    def inverse_matrices(self, units: float) -> np.ndarray:
        """Return the 2x3 matrices from image to object coordinates.

        Args:
            units: Factor of the object coordinates, such as texels per pixel.

        Returns:
            ``(T, 2, 3)``.
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
