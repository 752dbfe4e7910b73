# SPDX-License-Identifier: Apache-2.0
"""A video beside its flow, with the classes that are seen in it."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import tee
from pathlib import Path

import numpy as np

from ..fileio import AtomicLocalBackend
from ..fileio.video_reader import Frame
from ..fileio.video_writer import VideoWriter
from ..progress import Progress
from ..visualization import add_wheel, flow_to_color
from ..visualization.prediction_panel import prediction_panel
from ..visualization.tiles import enlargement
from .action_inferencer import ActionInferencer, Moment, mean_probabilities
from .background import ahead
from .color_scale import live_scale, measure_scale
from .flow_inferencer import FlowInferencer
from .flow_stream import FlowStream
from .source import Source, resize_short_side

# Of the shorter side, for the wheel in the corner.
_WHEEL_SHARE = 0.16


class MotionVideo:
    """Write the frames of a video beside their flow.

    Args:
        flows: Estimator.
        actions: Recognizer whose classes stand below, if any.
        size: Shorter side to which larger frames are reduced.
        bound: Speed in pixels of the full colour; by default that of the
            video.
        top: Number of classes to show.
        seconds: Time of a video or camera after which to end; None for all.

    Attributes:
        moments: What was seen in the last video.
    """

    def __init__(self,
                 flows: FlowInferencer,
                 actions: ActionInferencer | None = None,
                 size: int = 360,
                 bound: float | None = None,
                 top: int = 3,
                 seconds: float | None = None) -> None:
        self.flows = flows
        self.actions = actions
        self.size = size
        self.bound = bound
        self.top = top
        self.seconds = seconds
        self.moments: list[Moment] = []

    def write(self, source: Source, path: str | Path) -> str:
        """Write a video, and beside it the percentages over time.

        A camera that is interrupted leaves the video up to then.

        Returns:
            What is to be said of it.

        Raises:
            ValueError: If the source cannot be read, or has a single frame.
        """
        rate = source.rate
        size = self._size(source)
        bound = self.bound or measure_scale(self.flows, source, 1, size)
        number = source.num_frames
        if self.seconds and number:
            number = min(number, round(self.seconds * rate))
        self.moments = moments = []
        with (VideoWriter(path, rate) as writer,
              Progress(number, 'frames') as progress):
            try:
                for frame, flow, moment in self._seen(source, rate):
                    bound = bound or live_scale(frame.image)
                    if moment is not None:
                        moments.append(moment)
                    writer.add(self._picture(frame, flow, bound, moments),
                               frame.time)
                    progress.update()
            except (KeyboardInterrupt, SystemExit):
                if not source.is_live:
                    raise
        if not writer.num_frames:
            raise ValueError(f'{source} gave no frame before it ended')
        said = (f'{path}: {writer.num_frames} frames, full colour at '
                f'{bound:.1f} px')
        if moments:
            table = Path(path).with_suffix('.csv')
            self._write_table(table, moments)
            said += f'; percentages over time in {table}\n'
            said += self._summary(moments)
        return said

    def _size(self, source: Source) -> int | None:
        """Return the size that the frames of a file get, None for theirs."""
        if source.is_live:
            return None
        first = next(source.frames(), None)
        small = first is None or min(first.image.shape[:2]) <= self.size
        return None if small else self.size

    def _seen(
        self, source: Source, rate: float
    ) -> Iterator[tuple[Frame, np.ndarray, Moment | None]]:
        """Yield each frame with its flow and what is seen; one pass."""
        frames, again = tee(ahead(self._reduced(source.frames())))
        seen = (self.actions.stream(again, rate) if self.actions else
                ((frame, None) for frame in again))
        stream = FlowStream(self.flows)
        flow = None
        for frame in frames:
            flow = stream.push(frame.image).flow
            if flow is not None:
                frame, moment = next(seen)
                yield frame, flow, moment
        if flow is None:
            raise ValueError(f'{source} has no two frames, which a flow '
                             'needs; leave it out')
        # The last frame keeps the flow of the one before.
        for frame, moment in seen:
            yield frame, flow, moment

    def _reduced(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames, large ones reduced, until it is time to end."""
        for frame in frames:
            if self.seconds is not None and frame.time >= self.seconds:
                return
            if min(frame.image.shape[:2]) > self.size:
                frame = frame._replace(
                    image=resize_short_side(frame.image, self.size))
            yield frame

    def _picture(self, frame: Frame, flow: np.ndarray, bound: float,
                 moments: Sequence[Moment]) -> np.ndarray:
        picture = np.hstack((frame.image, flow_to_color(flow, bound)))
        factor = enlargement(frame.image.shape[1])
        picture = add_wheel(
            picture.repeat(factor, 0).repeat(factor, 1), _WHEEL_SHARE)
        if self.actions is None:
            return picture
        now = moments[-1].probabilities if moments else {}
        panel = prediction_panel(now, self.actions.classes, picture.shape[1],
                                 self.top)
        return np.vstack((picture, panel))

    def _write_table(self, path: Path, moments: Sequence[Moment]) -> None:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(['seconds', 'stream', *self.actions.classes])
        for moment in moments:
            for name, values in moment.probabilities.items():
                table.writerow([f'{moment.time:.3f}', name,
                                *(f'{100 * value:.2f}' for value in values)])
        AtomicLocalBackend().put_text(text.getvalue(), path)

    def _summary(self, moments: Sequence[Moment]) -> str:
        means = mean_probabilities(moments)
        width = max(map(len, means))
        lines = []
        for name, values in means.items():
            best = np.argsort(-values)[:self.top]
            shown = ', '.join(f'{self.actions.classes[index]} '
                              f'{100 * values[index]:.1f} %' for index in best)
            lines.append(f'{name:{width}}  {shown}')
        return '\n'.join(lines)
