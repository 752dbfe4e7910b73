# SPDX-License-Identifier: Apache-2.0
"""Clips on their way into the flow estimator."""
from __future__ import annotations

import torch
from torch import Tensor


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
