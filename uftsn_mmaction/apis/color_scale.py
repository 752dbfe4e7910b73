# SPDX-License-Identifier: Apache-2.0
"""The speed that gets the full colour, the same for a whole video."""
from __future__ import annotations

import numpy as np

from .flow_inferencer import FlowInferencer
from .source import Source
from .windows import Window

# A few pairs, spread over the video, show how fast it is.
_PAIRS = 8
_PERCENTILE = 99
# Slower flow is noise; a video at rest stays white.
_LEAST = 0.25
#: Of the shorter side, where a source cannot be read twice.
LIVE_SHARE = 1 / 32


def measure_scale(inferencer: FlowInferencer,
                  source: Source,
                  stride: int = 1,
                  size: int | None = None) -> float | None:
    """Return a speed in pixels that few pixels of a video exceed.

    It is None for a camera or an address, which cannot be read twice.
    """
    if source.is_live:
        return None
    number = max(2, (source.num_frames or 0) // stride)
    starts = set(np.linspace(0, number - 2, _PAIRS).astype(int).tolist())
    speeds, before = [], None
    for index, frame in enumerate(source.frames(stride, size)):
        if index - 1 in starts:
            flow = inferencer.flow_of(Window(0, index - 1, [before, frame]))
            speed = np.hypot(flow[:, 0], flow[:, 1])
            speeds.append(np.percentile(np.nan_to_num(speed), _PERCENTILE))
        before = frame
    return max(_LEAST, *speeds) if speeds else _LEAST


def live_scale(image: np.ndarray) -> float:
    """Return the scale for frames of a camera, from their size."""
    return LIVE_SHARE * min(image.shape[:2])
