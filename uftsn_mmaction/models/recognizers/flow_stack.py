# SPDX-License-Identifier: Apache-2.0
"""Flows of a clip as input channels of an image classifier, and in numbers."""
from __future__ import annotations

import torch
from torch import Tensor


def stack_flow(flow: Tensor, flow_bound: float | None = 20.0) -> Tensor:
    """Stack the flows of each clip as channels u_1, v_1, u_2, v_2, ...

    Order and bound are those of two-stream networks, whose cached 8-bit flow
    covers -20 to 20 pixels.

    Args:
        flow: Flow ``(N, 2, T-1, H, W)`` in pixels.
        flow_bound: Flow in pixels that is scaled to 1; larger values are
            clipped. None keeps pixels.

    Returns:
        Stack ``(N, 2 * (T-1), H, W)``.

    Examples:
        >>> import torch
        >>> flow = torch.tensor([3., -40.]).view(1, 2, 1, 1, 1)
        >>> stack_flow(flow).flatten()
        tensor([ 0.1500, -1.0000])
    """
    if flow_bound is not None:
        flow = (flow / flow_bound).clamp(-1, 1)
    # N x 2 x (T-1) x H x W -> N x (2 * (T-1)) x H x W
    return flow.transpose(1, 2).flatten(1, 2)


def flow_statistics(flow: Tensor) -> dict[str, Tensor]:
    """Summarise flow ``(N, 2, T-1, H, W)`` for the log of a training.

    Returns:
        ``flow_norm``, the mean length in pixels, and ``flow_std``, the mean
        standard deviation over a frame, which is 0 for a collapsed flow.
    """
    # N x (T-1) x H x W -> N x (T-1) x (H * W)
    u, v = (component.flatten(2) for component in flow.unbind(1))
    return dict(
        flow_norm=torch.hypot(u, v).mean(),
        flow_std=torch.hypot(u.std(2), v.std(2)).mean())
