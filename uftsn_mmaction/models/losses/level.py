# SPDX-License-Identifier: Apache-2.0
"""One level of the flow in one direction, as the losses see it (sec. 2.2).

A loss is a function of a :class:`Level`. What several losses may need, such
as the warped frame, is a property of the level, computed at first use and
shared. Masks of pixels belong here, so that no loss has to know where they
come from.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..flow.warp import backward_warp, resize_flow, valid_mask
from .census import census_transform
from .occlusion import OCCLUSION_MASKS


class Frames:
    """Frames ``(N, T, 3, h, w)`` in 0..255, shared by both directions."""

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self._census: dict[int, Tensor] = {}

    def census(self, patch_size: int) -> Tensor:
        """Return the census codes ``(N, T, patch_size**2 - 1, h, w)``."""
        if patch_size not in self._census:
            codes = census_transform(self.images.flatten(0, 1), patch_size)
            self._census[patch_size] = codes.unflatten(
                0, self.images.shape[:2])
        return self._census[patch_size]


class Level:
    """Flow of one level and direction with the frames that it connects.

    All pairs of consecutive frames are one batch of P = N * (T - 1).

    Args:
        flow: Flows ``(N, 2, T-1, h, w)`` in pixels of the level.
        frames: Frames of that size.
        backward: Whether the flow leads from frame t+1 to frame t.
        reverse_flow: Flow of the other direction, same shape; None if only
            one direction is known.
        gt_flow: True flow ``(N, 2, T-1, H, W)`` of the frames at full size,
            NaN where unknown; None without ground truth.
    """

    def __init__(self,
                 flow: Tensor,
                 frames: Frames,
                 backward: bool = False,
                 reverse_flow: Tensor | None = None,
                 gt_flow: Tensor | None = None) -> None:
        # N x 2 x (T-1) x h x w -> P x 2 x h x w
        self.flow = flow.transpose(1, 2).flatten(0, 1)
        self.reverse_flow = (None if reverse_flow is None else
                             reverse_flow.transpose(1, 2).flatten(0, 1))
        self._gt_flow = gt_flow
        self._frames = frames
        early, late = slice(None, -1), slice(1, None)
        self._start, self._end = (late, early) if backward else (early, late)
        self._census: dict[int, tuple[Tensor, Tensor]] = {}
        self._visible: dict[str, Tensor] = {}

    @cached_property
    def first(self) -> Tensor:
        """Frames where the flow starts, ``(P, 3, h, w)`` in 0..255."""
        return self._frames.images[:, self._start].flatten(0, 1)

    @cached_property
    def second(self) -> Tensor:
        """Frames where the flow ends, ``(P, 3, h, w)`` in 0..255."""
        return self._frames.images[:, self._end].flatten(0, 1)

    @cached_property
    def warped(self) -> Tensor:
        """Second frames warped to the first ones (eq. 2), same shape."""
        return backward_warp(self.second, self.flow)

    @cached_property
    def valid_mask(self) -> Tensor:
        """1 where the flow ends within the frame, ``(P, 1, h, w)``."""
        return valid_mask(self.flow)

    @cached_property
    def gt_flow(self) -> Tensor:
        """True flow in pixels of the level ``(P, 2, h, w)``, or NaN."""
        if self._gt_flow is None:
            raise ValueError(
                'a loss needs the true flow, but the samples have no gt_flow '
                "and gt_flow_back; put PackActionInputs(algorithm_keys=("
                "'gt_flow', 'gt_flow_back')) into a pipeline of a data set "
                'that has them, such as RandomMotionDataset')
        true = self._gt_flow.transpose(1, 2).flatten(0, 1).to(self.flow.dtype)
        # The mean over the area of a coarse pixel, as of the frames.
        return resize_flow(true, self.flow.shape[-2:], mode='area')

    @cached_property
    def changed_mask(self) -> Tensor:
        """1 for a pair whose frames differ, ``(P, 1, 1, 1)``.

        A clip that is longer than its video repeats the last frame. Such a
        pair shows no motion to learn from.
        """
        changed = (self.first != self.second).flatten(1).any(1)
        return changed.to(self.flow.dtype).view(-1, 1, 1, 1)

    def visible_mask(self, method: str) -> Tensor:
        """Return 1 where the second frame shows the point of a pixel.

        Args:
            method: Name among :data:`OCCLUSION_MASKS`.

        Returns:
            Mask ``(P, 1, h, w)`` without a gradient. Points that have left
            the frame are for :attr:`valid_mask`.

        Raises:
            ValueError: If the flow of the other direction is unknown.
        """
        if self.reverse_flow is None:
            raise ValueError(
                f'occlusion={method!r} compares the flows of both directions, '
                'but the loss got one; call UnsupervisedLoss, which takes '
                'both, or set occlusion=None')
        if method not in self._visible:
            self._visible[method] = OCCLUSION_MASKS[method](
                self.flow, self.reverse_flow)
        return self._visible[method]

    def census(self, patch_size: int) -> tuple[Tensor, Tensor]:
        """Return the census codes of the first and the warped frames.

        Each is ``(P, patch_size**2 - 1, h, w)``.
        """
        if patch_size not in self._census:
            codes = self._frames.census(patch_size)[:, self._start]
            self._census[patch_size] = (
                codes.flatten(0, 1),
                census_transform(self.warped, patch_size))
        return self._census[patch_size]


def resize_frames(clip: Tensor, sizes: Sequence[tuple[int, int]],
                  image_scale: float) -> Iterator[Frames]:
    """Resize the frames of clips ``(N, 3, T, H, W)`` to one level at a time.

    Args:
        clip: Clips.
        sizes: Height and width of each level, finest first.
        image_scale: Factor from the range of the clips to 0..255.

    Yields:
        Frames of each level, in float32 at least.
    """
    # N x 3 x T x H x W -> (N * T) x 3 x H x W
    images = clip.transpose(1, 2).flatten(0, 1)
    images = images.to(torch.promote_types(images.dtype, torch.float32))
    images = images * image_scale
    for size in sizes:
        if images.shape[-2:] != size:
            # The mean over the area of a coarse pixel avoids aliasing.
            images = F.interpolate(images, size=size, mode='area')
        yield Frames(images.unflatten(0, (-1, clip.shape[2])))
