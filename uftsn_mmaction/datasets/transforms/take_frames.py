# SPDX-License-Identifier: Apache-2.0
"""Some frames of each sampled clip."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


def frame_indices(frames: int | Sequence[int], clip_len: int,
                  setting: str) -> list[int]:
    """Positions in a clip, counted from 0.

    Args:
        frames: One position or several; negative ones count from the end.
        clip_len: Number of frames of the clip.
        setting: Where ``frames`` was set, for the message.

    Raises:
        ValueError: The clip has no such frame, or none is asked for.
    """
    frames = [frames] if isinstance(frames, int) else list(frames)
    if not frames:
        raise ValueError(
            f'{setting} is empty; expected positions in a clip, or leave it '
            'out for all frames')
    for frame in frames:
        if not -clip_len <= frame < clip_len:
            raise ValueError(
                f'{setting} asks for frame {frame}, but the clips have '
                f'{clip_len} frames (0 to {clip_len - 1}); correct frames or '
                'clip_len of SampleFrames')
    return [frame % clip_len for frame in frames]


@TRANSFORMS.register_module()
class TakeFrames(BaseTransform):
    """Keep some frames of each sampled clip, before they are decoded.

    Place it between ``SampleFrames`` and the decoder. With it a spatial
    stream alone sees the frames that ``FusionRecognizer`` gives it, whose
    setting ``frames`` means the same.

    Required Keys: frame_inds, clip_len

    Modified Keys: frame_inds, clip_len

    Args:
        frames: Position in the clip, or several in the order wanted;
            negative ones count from the end.
    """

    def __init__(self, frames: int | Sequence[int]) -> None:
        self.frames = frames

    def transform(self, results: dict) -> dict:
        """Reduce ``frame_inds``.

        Raises:
            ValueError: The clips have no such frame.
        """
        kept = frame_indices(self.frames, results['clip_len'],
                             'frames of TakeFrames')
        clips = np.reshape(results['frame_inds'], (-1, results['clip_len']))
        results['frame_inds'] = clips[:, kept].reshape(-1)
        results['clip_len'] = len(kept)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(frames={self.frames})'
