# SPDX-License-Identifier: Apache-2.0
"""Clips of RGB frames: their shape, their range, and pairs of their frames."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def check_rgb_clip(x: Tensor) -> None:
    """Refuse what is no batch of clips ``(N, 3, T, H, W)``, T from 2 up.

    Raises:
        ValueError: The shape is another.
    """
    if x.dim() != 5 or x.shape[1] != 3:
        raise ValueError(
            'The flow estimator expects RGB clips (N, 3, T, H, W), got '
            f'{tuple(x.shape)}; use FormatShape(input_format=\'NCTHW\') '
            'in the pipeline')
    if x.shape[2] < 2:
        raise ValueError(
            f'clip_len is {x.shape[2]}, but a flow needs two frames or '
            'more; raise clip_len of SampleFrames')


def check_clips(inputs: Tensor, clip_len: int, with_range: bool) -> None:
    """Refuse what is no batch of RGB clips in [0, 1].

    Args:
        inputs: Clips ``(B, M, 3, T, H, W)``.
        clip_len: Expected T.
        with_range: Whether to look at the values, for which a GPU has to
            wait.

    Raises:
        ValueError: The shape or the range is another.
    """
    if inputs.dim() != 6 or inputs.shape[3] != clip_len:
        raise ValueError(
            f'UFTSNRecognizer with clip_len={clip_len} expects inputs '
            f'(B, M, 3, {clip_len}, H, W), got {tuple(inputs.shape)}; set '
            f'clip_len={clip_len} in SampleFrames and FormatShape('
            'input_format=\'NCTHW\')')
    if with_range:
        low, high = inputs.min().item(), inputs.max().item()
        if low < -0.1 or high > 1.1:
            raise ValueError(
                'UFTSNRecognizer expects frames in [0, 1], got values from '
                f'{low:g} to {high:g}; set mean=[0, 0, 0] and '
                'std=[255, 255, 255] in data_preprocessor')


def draw_pairs(clips: Tensor, pairs_per_clip: int) -> Tensor:
    """Draw pairs of consecutive frames, with replacement.

    Args:
        clips: Clips ``(N, 3, T, H, W)``.
        pairs_per_clip: Number of pairs to draw from each.

    Returns:
        Clips of two frames ``(N * pairs_per_clip, 3, 2, H, W)``.
    """
    starts = torch.randint(clips.shape[2] - 1,
                           (len(clips), pairs_per_clip)).tolist()
    return torch.stack(
        [clip[:, t:t + 2] for clip, row in zip(clips, starts) for t in row])


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
