# SPDX-License-Identifier: Apache-2.0
"""Where the flow of one source goes."""
from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from ..fileio import AtomicLocalBackend
from ..fileio.video_writer import VideoWriter
from ..visualization import flow_to_color
from .background import Background
from .color_scale import live_scale
from .flow_formats import FlowFormat
from .flow_inferencer import PairFlow
from .source import Source


class FlowOutput(ABC):
    """Files of one source.

    Args:
        source: Source.
        root: Folder of all sources.
        format: Format of the files.
        bound: Speed in pixels at the end of the scale; None for that of the
            size of the frames.
        rate: Pairs per second.
        background: Thread that writes.

    Attributes:
        number: Number of pairs that were written.
    """

    def __init__(self, source: Source, root: Path, format: FlowFormat,
                 bound: float | None, rate: float,
                 background: Background) -> None:
        self.source = source
        self.root = root
        self.format = format
        self.bound = bound
        self.rate = rate
        self.background = background
        self.number = 0

    def write(self, pair: PairFlow) -> None:
        """Write the flow of the next pair."""
        self.number += 1
        self._write(pair, self.bound or live_scale(pair.first.image))

    @abstractmethod
    def _write(self, pair: PairFlow, bound: float) -> None:
        """Write the flow of a pair on a scale."""

    @abstractmethod
    def end(self, error: type | None = None) -> None:
        """Complete what was written, or give it up after an error."""


class FileOutput(FlowOutput):
    """Files for each pair."""

    def _write(self, pair: PairFlow, bound: float) -> None:
        self.background.do(self._put, pair, bound)

    def end(self, error: type | None = None) -> None:
        """Leave what is there: each file is complete."""

    def _put(self, pair: PairFlow, bound: float) -> None:
        backend = AtomicLocalBackend()
        for name, content in zip(self.format.files(pair.index),
                                 self.format.encode(pair.flow, bound)):
            backend.put(content, self.root / self.source.name / name)


class VideoOutput(FlowOutput):
    """A video of painted flow."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._writer = VideoWriter(
            self.path_of(self.source, self.root), self.rate)
        self._writer.__enter__()

    @staticmethod
    def path_of(source: Source, root: Path) -> Path:
        """Return the path of the video of a source."""
        return Path(root, f'{source.name}.mp4')

    def _write(self, pair: PairFlow, bound: float) -> None:
        self._writer.add(flow_to_color(pair.flow, bound), pair.first.time)

    def end(self, error: type | None = None) -> None:
        """Show the file if it is complete, otherwise remove it."""
        self._writer.__exit__(error)
