# SPDX-License-Identifier: Apache-2.0
"""Write compared flows to a picture or a video."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from mmengine.fileio import put

from ..fileio import write_json
from ..fileio.flow_writer import picture_bytes
from ..fileio.video_writer import VideoWriter
from ..progress import track
from .color_scale import live_scale, measure_scale
from .flow_comparison import FlowComparison, common_scale, comparison_picture
from .source import Source


def write_picture(path: str | Path, comparison: FlowComparison,
                  sources: Sequence[Source], pairs: int | None = None,
                  bound: float | None = None) -> None:
    """Write some pairs of each source to one PNG file.

    Args:
        path: File.
        comparison: Estimators.
        sources: Clips.
        pairs: Pairs of each; by default 3 of a single clip, else 1.
        bound: Speed in pixels of the full colour; by default the highest.

    Raises:
        ValueError: If the clips have several sizes.
    """
    number = pairs or (3 if len(sources) == 1 else 1)
    found = [pair for source in track(sources, len(sources), 'clips')
             for pair in comparison.pairs(source, number)]
    sizes = {pair.first.shape[:2] for pair in found}
    if len(sizes) > 1:
        raise ValueError(
            f'the clips have several sizes (height, width), {sorted(sizes)}, '
            'but a picture has one; set --size, or draw several')
    picture = comparison_picture(found, bound or common_scale(found))
    put(picture_bytes(picture), str(path),
        backend_args=dict(backend='atomic'))


def write_video(path: str | Path, comparison: FlowComparison, source: Source,
                bound: float | None = None) -> None:
    """Write all pairs of a source to a video or an animation."""
    if bound is None:
        bounds = [measure_scale(inferencer, source, comparison.stride,
                                comparison.size)
                  for inferencer in comparison.inferencers.values()]
        bound = None if None in bounds else max(bounds)
    with VideoWriter(path, source.rate / comparison.stride) as writer:
        for pair in comparison.pairs(source):
            picture = comparison_picture(
                [pair], bound or live_scale(pair.first))
            writer.add(picture, pair.time)


def write_errors(path: str | Path,
                 comparison: FlowComparison) -> list[dict[str, Any]]:
    """Write the mean errors of each estimator to a JSON file, and return."""
    means = [
        dict({kind: mean(values) for kind, values in errors.items()},
             estimator=name, pairs=len(errors['photometric']))
        for name, errors in comparison.errors.items()
    ]
    write_json(path, means)
    return means
