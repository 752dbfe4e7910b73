# SPDX-License-Identifier: Apache-2.0
"""Speed and disk use of extracted flow, by estimator and format."""
from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from ..apis.check_sources import check_sources
from ..apis.extraction import Extraction
from ..apis.flow_folder import FlowFolder
from ..apis.flow_formats import FORMATS
from ..apis.flow_inferencer import FlowInferencer
from ..apis.source import Source
from ..fileio.text_list import read_lines
from ..models.flow_zoo import short_names
from .table import Column, Table

COLUMNS = (Column('estimator', 'estimator'), Column('format', 'format'),
           Column('pairs', 'pairs', 'd'),
           Column('pairs_per_second', 'pairs a second', '.1f'),
           Column('core_ms', 'core time a pair, ms', '.0f'),
           Column('mb', 'MB per 1000 pairs', '.1f'))


def measure_extraction(sources: Sequence[Source], specs: Sequence[str],
                       formats: Sequence[str], out: Path,
                       device: torch.device,
                       size: int | None = None) -> Table:
    """Extract the same videos by each estimator to each format.

    The flow stays in ``out/ESTIMATOR/FORMAT``. The time is that of decoding,
    estimating and writing, without the start; the core time is that of all
    threads, and does not grow with what else the machine does.

    Args:
        sources: Videos.
        specs: Estimators, as command lines name them.
        formats: Keys of :data:`FORMATS`.
        out: Folder, without flow.
        device: Device.
        size: Shorter side of the frames in pixels; None for their own.

    Raises:
        ValueError: If a video cannot be used, or the flow is there already.
    """
    # Later runs find the reports.
    sources, bad, _ = check_sources(sources)
    for name, reason in bad.items():
        raise ValueError(f'{name!r} cannot be used: {reason}; leave it out')
    table = Table(COLUMNS)
    for name, spec in zip(short_names(specs), specs):
        inferencer = FlowInferencer(spec, device=device)
        # The first estimation sets up what the others find.
        next(iter(inferencer.stream(sources[0].origin, 1, size=size)))
        for to in formats:
            root = out / name.replace(':', '_').replace('/', '_') / to
            if root.exists():
                raise ValueError(f'--out: {str(root)!r} is there already, and '
                                 'would not be done again; choose another '
                                 'folder')
            folder = FlowFolder(root, dict(estimator=spec, to=to, size=size))
            wall, core = time.perf_counter(), time.process_time()
            bad = Extraction(inferencer, folder, FORMATS[to],
                             size=size).run(sources)
            wall, core = (time.perf_counter() - wall,
                          time.process_time() - core)
            for source, reason in bad.items():
                raise ValueError(f'{source!r} failed with {name}: {reason}')
            pairs = sum(int(line.split()[1]) for _, line
                        in read_lines(str(root / 'list.txt'), 'list'))
            table.add(
                estimator=name, format=to, pairs=pairs,
                pairs_per_second=pairs / wall, core_ms=1000 * core / pairs,
                mb=_bytes(root) / pairs / 1000)
    return table


def _bytes(root: Path) -> int:
    """Return the size of all files of flow."""
    return sum(
        path.stat().st_size for path in root.rglob('*')
        if path.suffix not in ('', '.json', '.lock', '.txt'))
