# SPDX-License-Identifier: Apache-2.0
"""Extract the flow of many videos to files."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..fileio import AtomicLocalBackend
from ..fileio.video_writer import VideoWriter
from ..progress import Progress
from ..visualization import flow_to_color
from .background import Background
from .check_sources import check_sources
from .color_scale import live_scale, measure_scale
from .flow_folder import FlowFolder
from .flow_formats import FlowFormat
from .flow_inferencer import FlowInferencer, PairFlow
from .source import Source


@dataclass(frozen=True)
class Extraction:
    """Extract the flow of videos to a folder, what is missing of it.

    Each file appears complete or not at all. After a kill the next run goes
    on with the first pair that is missing; a video (``mp4``) that was being
    written begins anew.

    Attributes:
        inferencer: Estimator.
        folder: Where the flow goes.
        format: Format of the files.
        stride, size, batch_size: As of :class:`FlowInferencer`.
        bound: Speed in pixels at the end of the scale of raw frames and
            pictures; None for that of the format, or of the video.
        rank, count: Number of this process, and of all that share the videos.
    """
    inferencer: FlowInferencer
    folder: FlowFolder
    format: FlowFormat
    stride: int = 1
    size: int | None = None
    batch_size: int = 8
    bound: float | None = None
    rank: int = 0
    count: int = 1

    def run(self, sources: Sequence[Source]) -> dict[str, str]:
        """Extract the share of this process, and list what is complete.

        Returns:
            Reason by name of each video that cannot be used.

        Raises:
            OSError: If a file cannot be written.
        """
        share = [source for source in sources[self.rank::self.count]
                 if self.folder.record(source).get('flows') is None]
        share, bad, reports = check_sources(share)
        numbers = {
            source.name: (reports[source.path].frames if source.path else
                          source.num_frames) for source in share}
        # Where one is unknown, there is no time left to tell.
        known = all(numbers.values())
        left = sum(max(0, self._pairs(number) - self._first_missing(source))
                   for source, number in zip(share, numbers.values())
                   ) if known else None
        with Progress(left, 'pairs') as progress:
            for source in share:
                try:
                    self._extract(source, progress)
                except (RuntimeError, ValueError) as error:
                    bad[str(source)] = str(error)
        self.folder.write_lists(sources)
        return bad

    def _pairs(self, num_frames: int) -> int:
        return max(0, (num_frames - 1) // self.stride)

    def _first_missing(self, source: Source) -> int:
        """Return the number of the first pair that has to be estimated."""
        if self.format.encode is None or not self.folder.record(source):
            return 0
        root, index = self.folder.root / source.name, 0
        while all((root / name).exists()
                  for name in self.format.files(index)):
            index += 1
        return index

    def _extract(self, source: Source, progress: Progress) -> None:
        start = self._first_missing(source)
        self.folder.begin(source)
        bound = self.bound or self.format.bound
        if bound is None and self.format.is_picture:
            bound = measure_scale(
                self.inferencer, source, self.stride, self.size)
        pairs = self.inferencer.stream(
            source, self.batch_size, self.stride, self.size, start)
        write = (self._write_video if self.format.encode is None else
                 self._write_files)
        number = write(source, pairs, bound, progress)
        self.folder.finish(source, start + number)

    def _write_files(self, source: Source, pairs: Iterable[PairFlow],
                     bound: float | None,
                     progress: Progress) -> int:
        """Write the files of each pair; return the number of pairs."""
        number = 0
        with Background() as background:
            for pair in pairs:
                scale = bound or live_scale(pair.first.image)
                background.do(partial(self._write_pair, source, pair, scale))
                number += 1
                progress.update()
            background.wait()
        return number

    def _write_pair(self, source: Source, pair: PairFlow,
                    bound: float) -> None:
        backend = AtomicLocalBackend()
        for name, content in zip(self.format.files(pair.index),
                                 self.format.encode(pair.flow, bound)):
            backend.put(content, self.folder.root / source.name / name)

    def _write_video(self, source: Source, pairs: Iterable[PairFlow],
                     bound: float | None,
                     progress: Progress) -> int:
        """Write a video of painted flow; return the number of pairs."""
        path = Path(self.folder.root, f'{source.name}.mp4')
        number = 0
        with VideoWriter(path, source.rate / self.stride) as writer:
            for pair in pairs:
                scale = bound or live_scale(pair.first.image)
                writer.add(flow_to_color(pair.flow, scale), pair.first.time)
                number += 1
                progress.update()
        return number
