# SPDX-License-Identifier: Apache-2.0
"""Clips whose frames are so far apart that something moves."""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ..broken_video import run_transforms

# Shorter side of the copies of frames that are measured, in pixels.
_SMALL = 64
# Share of the difference of two frames that motion leaves unexplained at most;
# noise, a flash or a cut leaves more.
_UNEXPLAINED = 0.8
# Random clips that are looked at, where one after the other stands still.
_TRIES = 3


@TRANSFORMS.register_module()
class SampleMovingClips(BaseTransform):
    """Sample clips, each at a stride at which it moves.

    It takes the place of ``SampleFrames``. The stride is the first one at
    which a tenth of the picture moves by ``motion``, otherwise the one that
    moves most. In training a clip that stands still gives way to another one.

    The motion is the flow of DIS on small copies of the frames. Their
    difference would be cheaper, but grows with the contrast, and takes noise
    and flashes for motion. Each clip has its own stride, since a video has
    slow and fast parts; nothing is kept that could become stale. A decoder
    passes most of these frames on its way to the last one anyway.

    Required Keys: video_reader, total_frames

    Added Keys: frame_inds, clip_len, frame_interval, num_clips

    Args:
        clip_len: Frames of a clip.
        num_clips: Clips of a video.
        motion: Length in pixels that the flow should have.
        size: Shorter side in pixels of the frames to which ``motion`` refers.
        strides: Frames from one to the next of a clip, to choose from, in
            rising order.
        test_mode: Whether the clips are spread evenly instead of at random.
        decode: Transform that decodes the frames.

    Raises:
        ValueError: If the strides do not rise from 1 or more.
    """

    def __init__(self,
                 clip_len: int = 2,
                 num_clips: int = 1,
                 motion: float = 2.,
                 size: int = 128,
                 strides: Sequence[int] = (1, 2, 4, 8),
                 test_mode: bool = False,
                 decode: dict | None = None) -> None:
        if not strides or strides[0] < 1 or [*strides] != sorted({*strides}):
            raise ValueError('strides of SampleMovingClips must be rising '
                             f'numbers from 1 on, got {strides}')
        self.clip_len = clip_len
        self.num_clips = num_clips
        self.motion = motion
        self.size = size
        self.strides = tuple(strides)
        self.test_mode = test_mode
        self.decode = TRANSFORMS.build(decode or dict(type='DecordDecode'))

    def transform(self, results: dict) -> dict:
        """Choose the frames.

        Raises:
            BrokenVideoError: If the video cannot be decoded.
        """
        last = max(0, results['total_frames']
                   - (self.clip_len - 1) * self.strides[0] - 1)
        if self.test_mode:
            starts = np.linspace(0, last, self.num_clips + 2)[1:-1].round()
            strides = [self._stride(results, int(start))[1]
                       for start in starts]
        else:
            starts, strides = zip(*(self._moving(results, last)
                                    for _ in range(self.num_clips)))
        steps = np.arange(self.clip_len)
        results['frame_inds'] = np.concatenate([
            int(start) + stride * steps
            for start, stride in zip(starts, strides)
        ]).clip(max=results['total_frames'] - 1)
        results.update(clip_len=self.clip_len, frame_interval=list(strides),
                       num_clips=self.num_clips)
        return results

    def _moving(self, results: dict, last: int) -> tuple[int, int]:
        """Return the start and the stride of a random clip that moves."""
        found = []
        for _ in range(_TRIES):
            start = np.random.randint(last + 1)
            found.append((*self._stride(results, start), start))
            if found[-1][0] >= self.motion:
                break
        _, stride, start = max(found)
        return start, stride

    def _stride(self, results: dict, start: int) -> tuple[float, int]:
        """Return the motion of a clip in pixels, and its stride."""
        room = (results['total_frames'] - 1 - start) // max(
            1, self.clip_len - 1)
        strides = [stride for stride in self.strides
                   if stride <= room] or [self.strides[0]]
        indices = np.array([start, *(start + stride for stride in strides)])
        # A copy, since a decoder closes the video.
        decoded = run_transforms([self.decode], dict(
            results,
            frame_inds=indices.clip(max=results['total_frames'] - 1)))
        first, *others = map(_small, decoded['imgs'])
        found = []
        for stride, second in zip(strides, others):
            found.append((motion_between(first, second) * self.size / _SMALL,
                          stride))
            if found[-1][0] >= self.motion:
                return found[-1]
        return max(found)

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(clip_len={self.clip_len}, '
                f'num_clips={self.num_clips}, motion={self.motion}, '
                f'size={self.size}, strides={self.strides}, '
                f'test_mode={self.test_mode})')


def _small(frame: np.ndarray) -> np.ndarray:
    """Return a small grey copy of an RGB frame."""
    height, width = frame.shape[:2]
    scale = _SMALL / min(height, width)
    shape = (max(_SMALL, round(width * scale)),
             max(_SMALL, round(height * scale)))
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)


def motion_between(first: np.ndarray, second: np.ndarray) -> float:
    """Return how far the fastest tenth of a picture moves, in pixels.

    0 where motion does not explain the difference of the pictures.

    Args:
        first, second: Grey pictures ``(H, W)`` in 8 bits.

    Examples:
        >>> picture = np.random.default_rng(0).integers(
        ...     0, 256, (64, 64), np.uint8)
        >>> picture = cv2.GaussianBlur(picture, None, 2)
        >>> round(motion_between(picture, np.roll(picture, 2, 1)))
        2
        >>> motion_between(picture, picture)
        0.0
    """
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    flow = dis.calc(first, second, None)
    height, width = first.shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    warped = cv2.remap(second, (grid + flow).astype(np.float32), None,
                       cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    still = cv2.absdiff(first, second).mean()
    if cv2.absdiff(first, warped).mean() >= _UNEXPLAINED * still:
        return 0.
    return float(np.quantile(np.linalg.norm(flow, axis=-1), 0.9))
