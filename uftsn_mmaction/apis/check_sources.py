# SPDX-License-Identifier: Apache-2.0
"""Look at videos of strangers where they can do no harm."""
from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..datasets.video_check.check import check_videos
from ..datasets.video_check.report import VideoReport
from .find_sources import find_sources
from .source import Source


def check_sources(
    sources: Sequence[Source]
) -> tuple[list[Source], dict[str, str], dict[str, VideoReport]]:
    """Read each video file once in a child process, which it may crash.

    Returns:
        Sources that can be used; the reason by name of each other one; and
        what is known of each by path.
    """
    reports = check_videos(
        [source.path for source in sources if source.path], 'opencv_stream')
    bad = {path: report.reason for path, report in reports.items()
           if report.reason}
    for path, report in reports.items():
        if report.note and not report.reason:
            print(f'{path}: used although {report.note}', file=sys.stderr)
    sound = [source for source in sources if source.path not in bad]
    return sound, bad, reports


def find_sound_sources(inputs: Any) -> list[Source]:
    """List what a user names, where nothing may be left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If nothing is found, or a video cannot be used.
    """
    sources, bad, _ = check_sources(find_sources(inputs))
    for name, reason in bad.items():
        raise ValueError(f'{len(bad)} of the videos cannot be used, first '
                         f'{name!r}: {reason}; leave them out')
    return sources
