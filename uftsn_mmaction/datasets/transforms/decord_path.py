# SPDX-License-Identifier: Apache-2.0
"""Open a video with decord by its path."""
from __future__ import annotations

from mmaction.datasets.transforms import DecordInit
from mmaction.registry import TRANSFORMS

from .video_path import path_of_video


@TRANSFORMS.register_module()
class DecordPathInit(DecordInit):
    """``DecordInit`` of MMAction2 that a truncated video cannot crash.

    ``DecordInit`` reads the file and gives decord the bytes; with a
    truncated AVI file, decord 0.6.0 then ends the process by SIGSEGV. Given
    the path, it raises an error. The frames are the same.

    Arguments are those of ``DecordInit``; with another ``io_backend`` than
    ``'disk'``, decord gets the bytes.
    """

    def _get_video_reader(self, filename: str) -> object:
        """Open a video.

        Raises:
            BrokenVideoError: If the path does not lead to a file.
            ImportError: If decord is not installed.
        """
        if self.io_backend != 'disk':
            return super()._get_video_reader(filename)
        filename = path_of_video(filename)
        try:
            import decord
        except ImportError as error:
            raise ImportError(
                'DecordPathInit needs decord, which is not installed; run '
                '`pip install decord`, or set OpenCVInit and OpenCVDecode in '
                'the pipeline') from error
        return decord.VideoReader(filename, num_threads=self.num_threads)
