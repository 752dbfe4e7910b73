# SPDX-License-Identifier: Apache-2.0
"""Formats of extracted flow: files of each pair, or a video."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..fileio.flow_writer import (
    flo_bytes,
    kitti_bytes,
    npy_bytes,
    picture_bytes,
    rawframe_bytes,
)
from ..visualization import flow_to_color

#: Speed in pixels at which raw frames are cut off, as all TSN weights expect.
RAWFRAMES_BOUND = 20.


@dataclass(frozen=True)
class FlowFormat:
    """Format of the files that hold the flow of a pair.

    Attributes:
        encode: Function of a flow ``(2, H, W)`` and the bound in pixels that
            returns the content of each file; None for a video.
        names: Templates of the names of the files, with the number of the
            pair.
        start: Number of the first pair.
        bound: Default bound; None where it is measured, or not used.
    """
    encode: Callable[[np.ndarray, float], Sequence[bytes]] | None = None
    names: tuple[str, ...] = ()
    start: int = 1
    bound: float | None = None

    @property
    def is_picture(self) -> bool:
        """Return whether the files are pictures, which need a scale."""
        return self.encode in (None, _painted)

    def files(self, index: int) -> list[str]:
        """Return the names of the files of a pair."""
        return [name.format(index + self.start) for name in self.names]


def _painted(flow: np.ndarray, bound: float) -> list[bytes]:
    return [picture_bytes(flow_to_color(flow, bound))]


FORMATS = dict(
    flo=FlowFormat(lambda flow, _: [flo_bytes(flow)], ('{:05d}.flo', )),
    npy=FlowFormat(lambda flow, _: [npy_bytes(flow)], ('{:05d}.npy', )),
    png=FlowFormat(_painted, ('{:05d}.png', )),
    kitti=FlowFormat(lambda flow, _: [kitti_bytes(flow)], ('{:05d}.png', )),
    rawframes=FlowFormat(rawframe_bytes, ('x_{:05d}.jpg', 'y_{:05d}.jpg'),
                         bound=RAWFRAMES_BOUND),
    mp4=FlowFormat())

#: Raw frames under the names that the program denseflow gives them.
DENSEFLOW = FlowFormat(rawframe_bytes,
                       ('flow_x_{:05d}.jpg', 'flow_y_{:05d}.jpg'), start=0,
                       bound=RAWFRAMES_BOUND)
