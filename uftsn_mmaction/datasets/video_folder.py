# SPDX-License-Identifier: Apache-2.0
"""Videos of a folder, without a list and without labels."""
from __future__ import annotations

import hashlib
import math
import os.path as osp
from collections.abc import Callable, Sequence
from typing import Any

from mmaction.registry import DATASETS
from mmengine.utils import scandir

from .video import CheckedVideoDataset

#: File names that are taken for videos, whatever their case.
SUFFIXES = ('.3gp', '.avi', '.flv', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg',
            '.mpg', '.mts', '.ogv', '.ts', '.webm', '.wmv')


@DATASETS.register_module()
class VideoFolderDataset(CheckedVideoDataset):
    """All videos of a folder and its subfolders, to train flow.

    A share of them is held out for validation. Which ones depends on their
    paths in the folder alone, so that both splits agree on every machine.

    Args:
        video_root: Folder.
        pipeline: Transforms.
        split: ``'train'`` or ``'val'``.
        val_share: Share of the videos that is held out, at least one video.
        suffixes: Ends of the names of video files.
        kwargs: Arguments of ``VideoDataset``.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folder holds too few videos, or an argument is out
            of range.
    """

    def __init__(self,
                 video_root: str,
                 pipeline: Sequence[dict | Callable],
                 split: str = 'train',
                 val_share: float = 0.1,
                 suffixes: Sequence[str] = SUFFIXES,
                 **kwargs: Any) -> None:
        if split not in ('train', 'val'):
            raise ValueError('split of VideoFolderDataset must be train or '
                             f'val, got {split!r}')
        if not 0 < val_share < 1:
            raise ValueError('val_share of VideoFolderDataset must be a share '
                             f'between 0 and 1, got {val_share}')
        self.video_root = video_root
        self.split = split
        self.val_share = val_share
        self.suffixes = tuple(suffixes)
        super().__init__(ann_file='', pipeline=pipeline, **kwargs)

    @property
    def source(self) -> str:
        """Setting that says where the videos come from, and its value."""
        return f'video_root {osp.abspath(self.video_root)!r}'

    def list_videos(self) -> list[dict]:
        """Find the videos of the split."""
        if not osp.isdir(self.video_root):
            raise FileNotFoundError(
                f'{self.source} is no folder; name the folder that holds the '
                'videos')
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
        num_val = min(math.ceil(self.val_share * len(names)), len(names) - 1)
        held_out = set(sorted(names, key=_digest)[:num_val])
        return [
            dict(filename=osp.join(self.video_root, name), label=-1)
            for name in names if (name in held_out) == (self.split == 'val')
        ]


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.replace(osp.sep, '/').encode()).digest()
