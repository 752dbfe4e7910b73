# SPDX-License-Identifier: Apache-2.0
"""Count of the videos of a list that cannot be used."""
from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Mapping

import torch
from mmengine.logging import print_log


class BadVideos:
    """Videos of a list that cannot be used, each reported once by name.

    All workers share the count.

    Args:
        source: Setting that says where the videos come from, and its value.
        total: Number of videos in the list.
        max_share: Largest share of them that may be bad, from 0 to 1.

    Raises:
        ValueError: If ``max_share`` is out of range.
    """

    def __init__(self, source: str, total: int, max_share: float) -> None:
        if not 0 <= max_share <= 1:
            raise ValueError('max_bad_share must be a share from 0 to 1, got '
                             f'{max_share}')
        self.source = source
        self.max_share = max_share
        self._is_bad = torch.zeros(total, dtype=torch.bool).share_memory_()

    @property
    def summary(self) -> str | None:
        """Sentence with the number of bad videos, None if there are none."""
        count = int(self._is_bad.sum())
        if not count:
            return None
        return (f'{count} of {len(self._is_bad)} videos in {self.source} '
                'cannot be used')

    def leave_out(self, paths: Mapping[int, str],
                  reasons: Mapping[int, str]) -> None:
        """Report what was found before the first video is used.

        Args:
            paths: Path by the number of the video in the list.
            reasons: Why it cannot be used, by the same number.

        Raises:
            ValueError: If too many are bad. The message lists them all.
        """
        self._is_bad[list(reasons)] = True
        lines = [f'{osp.abspath(paths[index])!r}: {reason}'
                 for index, reason in reasons.items()]
        self._check_share('\n  '.join([':', *lines]))
        for line in lines:
            _warn(f'Video is left out, since it cannot be used: {line}')

    def replace(self, index: int, path: str, error: Exception) -> None:
        """Report a video that failed when it was used in training.

        Raises:
            ValueError: If too many are bad by now.
        """
        if not self._is_bad[index]:
            self._is_bad[index] = True
            _warn(f'Video {path!r} cannot be decoded ({error}) and is '
                  'replaced by another one in training')
        self._check_share(f', the last one is {path!r} ({error})', error)

    def _check_share(self, which: str, cause: Exception | None = None) -> None:
        count, total = int(self._is_bad.sum()), len(self._is_bad)
        if count and (count == total or count > self.max_share * total):
            raise ValueError(
                f'{self.summary}, and max_bad_share is {self.max_share:g}; '
                'repair them or take them from the list '
                f'(tools/check_videos.py writes a clean one){which}'
            ) from cause


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
