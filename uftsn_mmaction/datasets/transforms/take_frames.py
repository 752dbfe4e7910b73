# SPDX-License-Identifier: Apache-2.0
"""Selection of frames from each sampled clip."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...clips import frame_indices


@TRANSFORMS.register_module()
class TakeFrames(BaseTransform):
    """Keep some frames of each sampled clip, before they are decoded.

    Place it between ``SampleFrames`` and the decoder. A spatial stream on its
    own then sees the frames that the setting ``frames`` of
    ``FusionRecognizer`` gives it.

    Required and Modified Keys: frame_inds, clip_len

    Args:
        frames: Position in the clip, or several in their new order; negative
            ones count from the end.
    """

    def __init__(self, frames: int | Sequence[int]) -> None:
        self.frames = frames

    def transform(self, results: dict) -> dict:
        """Reduce ``frame_inds``.

        Raises:
            ValueError: If the clips have no such frame.
        """
        clip_len = results['clip_len']
        kept = frame_indices(self.frames, clip_len, 'frames of TakeFrames')
        clips = np.reshape(results['frame_inds'], (-1, clip_len))
        results['frame_inds'] = clips[:, kept].reshape(-1)
        results['clip_len'] = len(kept)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(frames={self.frames})'
