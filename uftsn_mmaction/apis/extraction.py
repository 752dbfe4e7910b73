# SPDX-License-Identifier: Apache-2.0
"""Extract the flow of many videos to files."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ..fileio.atomic import remove_leftovers
from ..fileio.paths import check_apart
from ..progress import Progress
from .background import Background
from .check_sources import check_sources
from .color_scale import measure_scale
from .flow_batches import FlowBatches
from .flow_folder import FlowFolder
from .flow_formats import FlowFormat
from .flow_inferencer import FlowInferencer
from .flow_output import FileOutput, FlowOutput, VideoOutput
from .source import Source


@dataclass(frozen=True)
class Extraction:
    """Extract the flow of videos to a folder, what is missing of it.

    Each file appears complete or not at all. After a kill the next run goes
    on with the first pair that is missing; a video (``mp4``) that was being
    written begins anew. Short videos of one size are estimated together.

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
        if self.format.encode is None:
            for source in share:
                check_apart(VideoOutput.path_of(source, self.folder.root),
                            source.path)
        share, bad, reports = check_sources(share)
        numbers = {
            source.name: (reports[source.path].frames if source.path else
                          source.num_frames) for source in share}
        starts = [self._first_missing(source) for source in share]
        # Where one is unknown, there is no time left to tell.
        known = all(numbers.values())
        left = sum(max(0, self._pairs(number) - start)
                   for start, number in zip(starts, numbers.values())
                   ) if known else None
        with Progress(left, 'pairs') as progress:
            self._extract(share, starts, bad, progress)
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

    def _extract(self, sources: Sequence[Source], starts: Sequence[int],
                 bad: dict[str, str], progress: Progress) -> None:
        """Extract sources, and add why the bad ones have no more flow."""
        outputs: dict[int, FlowOutput] = {}
        batches = FlowBatches(
            self.inferencer, [*zip(sources, starts)], self.batch_size,
            self.stride, self.size)
        with Background() as background:
            try:
                for batch in batches:
                    source = sources[batch.source]
                    try:
                        if batch.error is not None:
                            raise batch.error
                        output = outputs.get(batch.source) or self._begin(
                            source, starts[batch.source], background)
                        outputs[batch.source] = output
                        for pair in batch.pairs:
                            output.write(pair)
                        progress.update(len(batch.pairs))
                        if batch.has_ended:
                            background.wait()
                            outputs.pop(batch.source).end()
                            self.folder.finish(
                                source, starts[batch.source] + output.number)
                    except (RuntimeError, ValueError) as error:
                        bad[str(source)] = str(error)
                        if batch.source in outputs:
                            outputs.pop(batch.source).end(type(error))
            except BaseException as error:
                for output in outputs.values():
                    output.end(type(error))
                raise

    def _begin(self, source: Source, start: int,
               background: Background) -> FlowOutput:
        if not start:
            self._remove_files(source)
        self.folder.begin(source)
        bound = self.bound or self.format.bound
        if bound is None and self.format.is_picture:
            bound = measure_scale(
                self.inferencer, source, self.stride, self.size)
        output = VideoOutput if self.format.encode is None else FileOutput
        return output(source, self.folder.root, self.format, bound,
                      source.rate / self.stride, background)

    def _remove_files(self, source: Source) -> None:
        """Remove what is there of another video of that name.

        A longer one would leave pairs beside those of the new one, and after
        a kill they would count as its own.
        """
        if self.format.encode is None:
            return
        root = self.folder.root / source.name
        for index in count():
            files = [root / name for name in self.format.files(index)]
            if not any(file.exists() for file in files):
                break
            for file in files:
                file.unlink(missing_ok=True)
        remove_leftovers(root)
