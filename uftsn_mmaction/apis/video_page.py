# SPDX-License-Identifier: Apache-2.0
"""Contents of the page about an uploaded video."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ..models.flow_zoo import ESTIMATORS, short_names
from ..visualization import flow_to_color
from ..visualization.curves import Panel, curves_figure
from ..visualization.tiles import add_wheel
from .action_inferencer import ActionInferencer, Moment, mean_probabilities
from .check_sources import check_sources
from .flow_comparison import FlowComparison, common_scale
from .flow_inferencer import DEFAULT, FlowInferencer
from .motion_video import MotionVideo
from .source import Source

#: Estimators of the page beside those that its owner adds.
NAMES = (DEFAULT, *(name for name in ESTIMATORS
                    if name not in ('uftsn', 'uftsn_small')))
_CLASSES = 5


class Picture(NamedTuple):
    """A picture ``(H, W, 3)`` in 8-bit RGB, and what it shows in words."""
    image: np.ndarray
    text: str


class Grid(NamedTuple):
    """A table; the first cell of a row names it."""
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class VideoPage:
    """Motion, classes and comparisons of the videos of a page's visitors.

    Args:
        actions: Recognizer whose classes are shown, if any.
        estimators: More estimators, as command lines name them.
        device: Device of the estimators.
        size: Shorter side to which larger frames are reduced.
        most_seconds, most_bytes: Longest and largest video.
    """

    def __init__(self,
                 actions: ActionInferencer | None = None,
                 estimators: Sequence[str] = (),
                 device: str | torch.device = 'cpu',
                 size: int = 240,
                 most_seconds: float = 120.,
                 most_bytes: int = 200 * 2**20) -> None:
        self.actions = actions
        self.names = list(dict.fromkeys((*estimators, *NAMES)))
        self.device = device
        self.size = size
        self.most_seconds = most_seconds
        self.most_bytes = most_bytes
        self._inferencers: dict[str, FlowInferencer] = {}

    def open(self, path: str | None) -> Source:
        """Check the video of a stranger where it can do no harm.

        Raises:
            ValueError: If there is none, it is too large or long, or cannot
                be read.
        """
        if not path:
            raise ValueError('there is no video yet; choose one first')
        name = os.path.basename(path)
        if os.path.getsize(path) > self.most_bytes:
            raise ValueError(
                f'{name} has {os.path.getsize(path) / 2**20:.0f} MB, but this '
                f'page takes up to {self.most_bytes / 2**20:.0f}; cut it')
        # Never a list or a folder, which could name files of this machine.
        source = Source(path, os.path.splitext(name)[0])
        _, bad, reports = check_sources([source])
        if bad:
            raise ValueError(f'{name} cannot be used: {bad[path]}; choose '
                             'another video')
        seconds = reports[path].frames / (reports[path].rate or source.rate)
        if seconds > self.most_seconds:
            raise ValueError(
                f'{name} lasts {seconds:.0f} seconds, but this page takes up '
                f'to {self.most_seconds:.0f}; cut it, or use '
                'tools/predict.py, which takes any length')
        return source

    def motion(self, source: Source, name: str,
               path: str | Path) -> tuple[str, list[Moment]]:
        """Write the video of a video's motion.

        Returns:
            What is to be said of it, and the classes over time.
        """
        video = MotionVideo(self.estimator(name), self.actions, self.size)
        said = video.write(source, path)
        # The name of the file means nothing to a visitor.
        return said.split(': ', 1)[1].split(';')[0], video.moments

    def compare(self, source: Source, names: Sequence[str],
                number: int = 2) -> tuple[list[list[Picture]], Grid]:
        """Compare estimators on some pairs of frames.

        Returns:
            For each pair, its frame and the flow of each estimator, all on
            one scale; and the errors of ``tools/visualize_flow.py``.

        Raises:
            ValueError: If no estimator is named, or one is unknown.
        """
        if not names:
            raise ValueError('no estimator is chosen; choose one or more')
        shorts = dict(zip(names, short_names(names)))
        first = next(source.frames(), None)
        large = first is not None and min(first.image.shape[:2]) > self.size
        comparison = FlowComparison(
            {shorts[name]: self.estimator(name) for name in names},
            size=self.size if large else None)
        pairs = list(comparison.pairs(source, number))
        scale = common_scale(pairs)
        pictures = [[
            Picture(pair.first, f'Frame at {pair.time:.2f} seconds'),
            *(Picture(add_wheel(flow_to_color(result.flow, scale)),
                      f'Flow of {name}, full colour at {scale:.1f} pixels')
              for name, result in pair.results.items())
        ] for pair in pairs]
        rows = [[name, *(f'{mean(errors[kind]):.3f}' for kind in (
            'photometric', 'photometric_zero', 'forward_backward'))]
            for name, errors in comparison.errors.items()]  # yapf: disable
        return pictures, Grid(
            f'Mean errors over {len(pairs)} pairs of frames',
            ('Estimator', 'Photometric, grey levels', 'Of zero flow',
             'Forward-backward, pixels'), rows)

    def estimator(self, name: str) -> FlowInferencer:
        """Build an estimator of the page once.

        Raises:
            ValueError: If the page has no such estimator. A visitor could
                otherwise name a config file, which is code.
        """
        if name not in self.names:
            raise ValueError(f'this page has no estimator {name!r}; choose '
                             f'one of {", ".join(self.names)}')
        if name not in self._inferencers:
            self._inferencers[name] = FlowInferencer(name, device=self.device)
        return self._inferencers[name]


def class_table(moments: Sequence[Moment], classes: Sequence[str]) -> Grid:
    """List the likeliest classes over time, in percent."""
    stream, best = _likeliest(moments)
    return Grid(
        f'Classes over time, in percent, of {stream}',
        ('Seconds', *(classes[index] for index in best)),
        [[f'{moment.time:.1f}',
          *(f'{100 * moment.probabilities[stream][index]:.1f}'
            for index in best)] for moment in moments])


def class_curves(moments: Sequence[Moment],
                 classes: Sequence[str]) -> Picture:
    """Draw the likeliest classes over time."""
    stream, best = _likeliest(moments)
    lines = {
        classes[index]: [(moment.time,
                          100 * moment.probabilities[stream][index])
                         for moment in moments] for index in best}
    canvas = FigureCanvasAgg(curves_figure(
        [Panel('percent', lines, highest=100)], unit='seconds'))
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return Picture(image, f'Curves of {", ".join(classes[i] for i in best)} '
                   f'over time; most of the time it is {classes[best[0]]}')


def _likeliest(moments: Sequence[Moment]) -> tuple[str, list[int]]:
    """Return the last stream, which is the fusion, and its best classes."""
    means: Mapping[str, np.ndarray] = mean_probabilities(moments)
    stream = list(means)[-1]
    return stream, np.argsort(-means[stream])[:_CLASSES].tolist()
