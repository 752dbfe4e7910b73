# SPDX-License-Identifier: Apache-2.0
"""Frames to measure on."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...datasets.motion.classes import APPEARANCES, MOTIONS
from ...datasets.motion.renderer import MotionRenderer

# Enough for solvers whose time depends on what they see.
_DIFFERENT_CLIPS = 4


def make_clips(size: tuple[int, int], clip_len: int,
               batch_size: int) -> list[Tensor]:
    """Clips of moving objects as a pipeline packs them.

    Iterative solvers stop once nothing changes, which noise or a still
    picture would not show as it is.

    Args:
        size: Height and width in pixels.
        clip_len: Frames per clip.
        batch_size: Number of clips; four are different, then they repeat.

    Returns:
        8-bit RGB, each ``(1, 3, T, H, W)``; the same at every call.
    """
    height, width = size
    # The renderer takes even sizes from 32 up.
    rendered = tuple(max(32, side + side % 2) for side in size)
    # No object shall leave a small frame within the clip.
    renderer = MotionRenderer(
        rendered, clip_len, speed=min(2., 0.4 * min(rendered) / clip_len))
    clips = []
    for number in range(min(batch_size, _DIFFERENT_CLIPS)):
        clip = renderer.render(
            np.random.default_rng(number), number % len(MOTIONS),
            number % len(APPEARANCES))
        # T x H x W x 3 -> 1 x 3 x T x H x W
        frames = torch.from_numpy(clip.frames[:, :height, :width])
        clips.append(frames.permute(3, 0, 1, 2)[None].contiguous())
    return [clips[i % len(clips)] for i in range(batch_size)]
