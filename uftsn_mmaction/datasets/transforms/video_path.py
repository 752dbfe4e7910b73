# SPDX-License-Identifier: Apache-2.0
"""Path of a video, as transforms open it."""
from __future__ import annotations

import os.path as osp

from ..broken_video import BrokenVideoError
from ..video_check.container import why_no_file


def path_of_video(filename: str) -> str:
    """Return the path of a video; a name without an ending is an MP4 file.

    MMAction2's ``DecordInit`` reads such names so, too.

    Raises:
        BrokenVideoError: If the path does not lead to a file.
    """
    if not osp.splitext(filename)[1]:
        filename += '.mp4'
    reason = why_no_file(filename)
    if reason is not None:
        raise BrokenVideoError(reason)
    return filename
