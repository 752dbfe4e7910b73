# SPDX-License-Identifier: Apache-2.0
"""The Middlebury colour code: direction as hue, speed as saturation.

Baker et al., "A database and evaluation methodology for optical flow", 2011.
Right is red, down yellow, left light blue, up violet; no motion is white.
"""
from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F
from torchvision.utils import flow_to_image

from ..fileio.flow_file import is_known

#: Grey of a pixel whose flow is unknown; no flow has it.
UNKNOWN_COLOR = 128


def max_flow_norm(flow: np.ndarray) -> float:
    """Return the largest known speed of ``(.., 2, H, W)``, in pixels, or 0."""
    flow = np.asarray(flow, dtype=np.float32)
    norm = np.hypot(flow[..., 0, :, :], flow[..., 1, :, :])
    return float(norm.max(initial=0, where=is_known(flow, -3)))


def flow_to_color(flow: np.ndarray,
                  max_norm: float | None = None) -> np.ndarray:
    """Paint a flow.

    Args:
        flow: Flow ``(.., 2, H, W)``, u (right) and v (down) in pixels. A
            batch shares one scale.
        max_norm: Speed in pixels that has the full colour; faster pixels
            are darker. The largest known speed by default.

    Returns:
        8-bit RGB picture ``(.., H, W, 3)``: white where the flow is zero,
        grey where it is NaN, infinite or beyond 1e9.

    Raises:
        ValueError: If the array is not flow, or ``max_norm`` is not positive.

    >>> flow = np.zeros((2, 1, 3), np.float32)
    >>> flow[0, 0] = 0, 4, np.nan
    >>> flow_to_color(flow).tolist()
    [[[255, 255, 255], [255, 0, 0], [128, 128, 128]]]
    """
    flow = np.asarray(flow, dtype=np.float32)
    if flow.ndim < 3 or flow.shape[-3] != 2:
        raise ValueError('flow_to_color expects a flow (.., 2, H, W), got '
                         f'{flow.shape}; put the two channels before H and W')
    if max_norm is None:
        # A flow of zeros is white on any scale.
        max_norm = max_flow_norm(flow) or 1.
    if not 0 < max_norm < np.inf:
        raise ValueError('max_norm must be a finite speed above 0 pixels, '
                         f'got {max_norm}')
    known = is_known(flow, -3)
    flow = np.where(known[..., None, :, :], flow, 0) / np.float32(max_norm)
    norm = np.hypot(flow[..., 0, :, :], flow[..., 1, :, :])
    flow /= np.maximum(norm, 1)[..., None, :, :]
    # torchvision divides by the largest speed of the batch. One more column,
    # of full speed, keeps the scale; it is a little faster than any pixel,
    # because a speed of 1 that is rounded up would overflow 8 bits.
    batch = F.pad(
        torch.from_numpy(flow.reshape(-1, *flow.shape[-3:])), (0, 1))
    batch[:, 0, :, -1] = 1 + 1e-5
    # N x 3 x H x (W+1) -> .. x H x W x 3
    color = flow_to_image(batch)[..., :-1].movedim(1, -1).numpy()
    color = color.reshape(*known.shape, 3)
    # The fastest pixel itself may be rounded up.
    dark = np.where(norm > 1 + 1e-5, 0.75, 1)[..., None]
    return np.where(known[..., None], dark * color,
                    UNKNOWN_COLOR).astype(np.uint8)


def color_wheel_legend(size: int = 151) -> np.ndarray:
    """Paint all directions and speeds as a disk ``(size, size, 3)``.

    The full speed touches the border; it is white outside of the disk.
    """
    axis = np.linspace(-1, 1, size)
    flow = np.stack(np.meshgrid(axis, axis))
    flow[:, np.hypot(*flow) > 1] = 0
    return flow_to_color(flow, max_norm=1)
