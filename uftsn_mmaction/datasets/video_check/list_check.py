# SPDX-License-Identifier: Apache-2.0
"""Check the videos of a list before a run takes it."""
from __future__ import annotations

import csv
import io
import os.path as osp
from dataclasses import asdict
from pathlib import Path

from ...fileio import AtomicLocalBackend
from ...fileio.text_list import read_lines, split_columns
from .check import check_videos
from .report import VideoReport

#: Columns of the table after the path.
COLUMNS = ('frames', 'height', 'width', 'rate', 'rotation', 'note', 'reason')


def check_list(ann_file: str,
               root: str = '',
               delimiter: str = ' ',
               decoder: str = 'decord',
               workers: int = 4,
               time_limit: int = 60) -> dict[str, VideoReport]:
    """Read each video of a list once.

    Args:
        ann_file: List of ``CheckedVideoDataset``, a line for each video.
        root: Folder of the videos.
        delimiter: What separates the path and the labels.
        decoder, workers, time_limit: As in :func:`check_videos`.

    Returns:
        Reports by line of the list, in order.

    Raises:
        FileNotFoundError: If there is no such list.
        ValueError: If the list is no text or names no video.
    """
    lines = [line for _, line in read_lines(ann_file, 'list')]
    if not lines:
        raise ValueError(f'list {ann_file!r} names no video, expected one '
                         f'line "path{delimiter}label" for each')
    paths = {line: osp.join(root, split_columns(line, delimiter)[0])
             for line in lines}
    # The decoders of MMAction2 append .mp4 to a name without extension.
    paths = {line: path if osp.splitext(path)[1] else f'{path}.mp4'
             for line, path in paths.items()}
    reports = check_videos(list(paths.values()), decoder, workers, time_limit)
    return {line: reports[path] for line, path in paths.items()}


def write_clean_list(path: str | Path,
                     reports: dict[str, VideoReport]) -> None:
    """Write the lines whose videos can be used."""
    lines = [f'{line}\n' for line, report in reports.items()
             if not report.reason]
    AtomicLocalBackend().put_text(''.join(lines), path)


def write_table(path: str | Path, reports: dict[str, VideoReport]) -> None:
    """Write all that is known of each video as a CSV file."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(['line', *COLUMNS])
    for line, report in reports.items():
        values = asdict(report)
        table.writerow([line, *(values[column] for column in COLUMNS)])
    AtomicLocalBackend().put_text(text.getvalue(), path)
