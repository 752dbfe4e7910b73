# SPDX-License-Identifier: Apache-2.0
"""Videos of a folder, without a list and without labels."""
from __future__ import annotations

import hashlib
import math
import os.path as osp
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mmaction.registry import DATASETS
from mmengine.utils import scandir

from .video import CheckedVideoDataset
from .video_check.report import VideoReport

#: File names that are taken for videos, whatever their case.
SUFFIXES = ('.3gp', '.avi', '.flv', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg',
            '.mpg', '.mts', '.ogv', '.ts', '.webm', '.wmv')


@DATASETS.register_module()
class VideoFolderDataset(CheckedVideoDataset):
    """All videos of a folder and its subfolders, to train flow.

    Those that cannot be used are left out, each named with the reason. A
    share of the others is held out for validation. Which ones depends on
    their paths in the folder alone, so that both splits agree on every
    machine.

    Args:
        video_root: Folder.
        pipeline: Transforms.
        split: ``'train'`` or ``'val'``.
        val_share: Share of the videos that is held out, at least one video.
        min_frames: Number of frames below which a video is left out.
        suffixes: Ends of the names of video files.
        max_bad_share: Largest share of the videos that may be left out, also
            in testing, since a folder promises none of them.
        kwargs: Arguments of ``VideoDataset``.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folder holds too few videos, or an argument is out
            of range.
    """

    def __init__(self,
                 video_root: str | None,
                 pipeline: Sequence[dict | Callable],
                 split: str = 'train',
                 val_share: float = 0.1,
                 min_frames: int = 2,
                 suffixes: Sequence[str] = SUFFIXES,
                 max_bad_share: float = 0.5,
                 **kwargs: Any) -> None:
        if split not in ('train', 'val'):
            raise ValueError('split of VideoFolderDataset must be train or '
                             f'val, got {split!r}')
        if not 0 < val_share < 1:
            raise ValueError('val_share of VideoFolderDataset must be a share '
                             f'between 0 and 1, got {val_share}')
        if not video_root:
            raise ValueError('video_root of VideoFolderDataset is missing; '
                             'name the folder that holds the videos')
        self.video_root = video_root
        self.min_frames = min_frames
        self.split = split
        self.val_share = val_share
        self.suffixes = tuple(suffixes)
        super().__init__(
            ann_file='', pipeline=pipeline, max_bad_share=max_bad_share,
            **kwargs)

    @property
    def source(self) -> str:
        """Setting that says where the videos come from, and its value."""
        return f'video_root {osp.abspath(self.video_root)!r}'

    def list_videos(self) -> list[dict]:
        """Find all videos."""
        if not osp.isdir(self.video_root):
            raise FileNotFoundError(
                f'{self.source} is no folder; name the folder that holds the '
                'videos, such as --cfg-options video_root=my_videos')
        names = sorted(
            scandir(
                self.video_root,
                self.suffixes,
                recursive=True,
                case_sensitive=False))
        if len(names) < 2:
            raise ValueError(
                f'{self.source} holds {len(names)} videos '
                f'({", ".join(self.suffixes)}), expected two or more, since '
                'one is held out; add videos or correct the folder')
        return [dict(filename=osp.join(self.video_root, name), label=-1)
                for name in names]

    def load_data_list(self) -> list[dict]:
        """List the videos of the split that can be used.

        Raises:
            ValueError: If fewer than two are left for both splits.
        """
        sound = super().load_data_list()
        if len(sound) < 2:
            raise ValueError(
                f'only {len(sound)} of the videos in {self.source} can be '
                'used, expected two or more, since one is held out; add '
                'videos')
        mine = self._of_this_split([item['filename'] for item in sound])
        return [item for item in sound if item['filename'] in mine]

    def _of_this_split(self, paths: Sequence[str]) -> set[str]:
        """Return those of the paths that belong to the split."""
        number = min(math.ceil(self.val_share * len(paths)), len(paths) - 1)
        ranked = sorted(
            paths,
            key=lambda path: _digest(osp.relpath(path, self.video_root)))
        return {*(ranked[:number] if self.split == 'val' else ranked[number:])}

    def _leave_out(self, paths: dict[int, str],
                   reasons: dict[int, str]) -> None:
        """Report a bad video in one of the splits, not in both."""
        mine = self._of_this_split([*paths.values()])
        super()._leave_out(paths, {index: reason for index, reason
                                   in reasons.items() if paths[index] in mine})

    def _read(self, paths: Sequence[str]) -> dict[str, VideoReport]:
        """Count the frames, too."""
        return {
            path: replace(report, reason=(
                f'it has {report.frames} frames, expected {self.min_frames} '
                'or more'))
            if not report.reason and report.frames is not None
            and report.frames < self.min_frames else report
            for path, report in super()._read(paths).items()
        }


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.replace(osp.sep, '/').encode()).digest()
