# SPDX-License-Identifier: Apache-2.0
"""Errors of a flow without known truth: photometric, forward-backward."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..models.flow.warp import backward_warp
from .reconstruction_error import reconstruction_maps


class Explained(NamedTuple):
    """A flow, and what it leaves unexplained.

    Attributes:
        flow: ``(2, H, W)`` in pixels.
        warped: Second frame, brought to the first one, 8-bit ``(H, W, 3)``.
        photometric: Difference to the first frame in grey levels ``(H, W)``.
        forward_backward: Pixels between a pixel and where flow and reverse
            flow lead ``(H, W)``.
        errors: Means of ``photometric``, ``photometric_zero`` (of zero flow)
            and ``forward_backward``, as ``ReconstructionError`` defines them.
    """
    flow: np.ndarray
    warped: np.ndarray
    photometric: np.ndarray
    forward_backward: np.ndarray
    errors: dict[str, float]


def explain(first: np.ndarray, second: np.ndarray, flow: np.ndarray,
            reverse_flow: np.ndarray) -> Explained:
    """Measure how well the flow of a pair maps its frames to each other.

    Args:
        first, second: 8-bit frames ``(H, W, 3)``.
        flow: Flow from the first to the second one ``(2, H, W)`` in pixels.
        reverse_flow: Flow from the second to the first one.
    """
    early, late = (_as_tensor(frame.transpose(2, 0, 1))
                   for frame in (first, second))
    there, back = _as_tensor(flow), _as_tensor(reverse_flow)
    maps = {name: values[0, 0].numpy() for name, values in
            reconstruction_maps(there, back, early, late).items()}
    inside = max(1, maps['inside'].sum())
    warped = backward_warp(late, there)[0].round().clamp(0, 255)
    return Explained(
        flow, warped.permute(1, 2, 0).numpy().astype(np.uint8),
        maps['photometric'], maps['forward_backward'],
        dict(photometric=float(maps['photometric'].mean()),
             photometric_zero=float(maps['photometric_zero'].mean()),
             forward_backward=float(maps['forward_backward'].sum() / inside)))


def _as_tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None].float()
