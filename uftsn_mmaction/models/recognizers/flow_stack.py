# SPDX-License-Identifier: Apache-2.0
"""The flows of a clip as the input channels of an image classifier."""
from __future__ import annotations

from torch import Tensor


def stack_flow(flow: Tensor, flow_bound: float | None = 20.0) -> Tensor:
    """Stack the flows of each clip: u_1, v_1, u_2, v_2, ...

    The order and the bound of two-stream networks, whose cached 8-bit flow
    holds -20 to 20 pixels.

    Args:
        flow: Flow ``(N, 2, T-1, H, W)`` in pixels.
        flow_bound: Flow in pixels that becomes 1; what is beyond is cut. None
            leaves the pixels as they are.

    Returns:
        ``(N, 2 * (T-1), H, W)``.
    """
    if flow_bound is not None:
        flow = (flow / flow_bound).clamp(-1, 1)
    # N x 2 x (T-1) x H x W -> N x (2 * (T-1)) x H x W
    return flow.transpose(1, 2).flatten(1, 2)
