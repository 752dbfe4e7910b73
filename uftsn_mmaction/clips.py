# SPDX-License-Identifier: Apache-2.0
"""Clips of RGB frames: shape, range, and choice of frames."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

#: How far bicubic interpolation leaves [0, 1] at most: (1.375**2 - 1) / 2.
_OVERSHOOT = 0.45


def check_clip(x: Tensor, owner: str, with_range: bool = True) -> None:
    """Refuse all but RGB clips in [0, 1] with two frames or more.

    Args:
        x: Clips ``(N, 3, T, H, W)``.
        owner: Name of what takes the clips, for the message.
        with_range: Whether to read the values, for which a GPU has to wait.
            A graph that is traced, compiled or exported never reads them.

    Raises:
        ValueError: If the shape or the range is wrong, or a value is NaN.

    Examples:
        >>> check_clip(torch.rand(2, 10, 3, 32, 32), 'The estimator')
        Traceback (most recent call last):
            ...
        ValueError: The estimator expects RGB clips (N, 3, T, H, W), got \
(2, 10, 3, 32, 32); use FormatShape(input_format='NCTHW') in the pipeline
    """
    if x.dim() != 5 or x.shape[1] != 3:
        raise ValueError(
            f'{owner} expects RGB clips (N, 3, T, H, W), got '
            f'{tuple(x.shape)}; use FormatShape(input_format=\'NCTHW\') in '
            'the pipeline')
    if x.shape[2] < 2:
        raise ValueError(
            f'clip_len is {x.shape[2]}, but {owner} needs two frames or more '
            'for a flow; raise clip_len of SampleFrames')
    traced = torch.jit.is_tracing() or torch.compiler.is_compiling()
    if traced or not with_range:  # a graph cannot branch on values
        return
    low, high = (bound.item() for bound in torch.aminmax(x.detach()))
    # A NaN fails both comparisons.
    if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
        raise ValueError(
            f'{owner} expects clips in [0, 1], got values from {low:.4g} to '
            f'{high:.4g}; divide 8-bit frames by 255 (mean=[0, 0, 0] and '
            'std=[255, 255, 255] in data_preprocessor) and use no other mean '
            'or std')


def frame_pairs(clips: Tensor,
                backward: bool = False) -> tuple[Tensor, Tensor]:
    """Split clips ``(N, 3, T, H, W)`` into pairs of consecutive frames.

    Returns first and second frames ``(N * (T-1), 3, H, W)``, float32 at
    least; the later frame comes first if ``backward``.

    Examples:
        >>> clips = torch.tensor([0., 1., 2.]).view(1, 1, 3, 1, 1)
        >>> first, second = frame_pairs(clips.expand(1, 3, 3, 32, 32))
        >>> first[:, 0, 0, 0], second[:, 0, 0, 0]
        (tensor([0., 1.]), tensor([1., 2.]))
    """
    # N x 3 x T x H x W -> N x T x 3 x H x W
    frames = clips.to(torch.promote_types(clips.dtype, torch.float32))
    frames = frames.transpose(1, 2)
    # N x (T-1) x 3 x H x W -> (N * (T-1)) x 3 x H x W
    early, late = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
    return (late, early) if backward else (early, late)


def draw_pairs(clips: Tensor, pairs_per_clip: int) -> Tensor:
    """Draw pairs of consecutive frames, with replacement.

    Returns where the pairs of each clip start, ``(N, pairs_per_clip)``.
    """
    return torch.randint(clips.shape[2] - 1, (len(clips), pairs_per_clip))


def take_windows(clips: Tensor, starts: Tensor, length: int) -> Tensor:
    """Cut windows of consecutive frames, or of their flows, out of clips.

    Args:
        clips: Clips ``(N, C, T, H, W)``.
        starts: First frames of the windows of each clip ``(N, P)``.
        length: Number of frames of a window.

    Returns:
        Windows ``(N * P, C, length, H, W)``.

    Examples:
        >>> clips = torch.rand(4, 3, 10, 32, 40)
        >>> take_windows(clips, draw_pairs(clips, 2), 2).shape
        torch.Size([8, 3, 2, 32, 40])
    """
    number, _, frames = clips.shape[:3]
    first = starts + frames * torch.arange(number)[:, None]
    taken = first[..., None] + torch.arange(length)
    # N x C x T x H x W -> (N * T) x C x H x W -> (N * P * length) x C x H x W
    windows = clips.transpose(1, 2).flatten(0, 1).index_select(
        0, taken.flatten().to(clips.device))
    return windows.unflatten(0, (-1, length)).transpose(1, 2)


def frame_indices(frames: int | Sequence[int], clip_len: int,
                  setting: str) -> list[int]:
    """Return positions in a clip; negative ones count from its end.

    Raises:
        ValueError: If the clip has no such frame, or ``frames`` is empty.

    Examples:
        >>> frame_indices([0, -1], 10, 'frames')
        [0, 9]
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
