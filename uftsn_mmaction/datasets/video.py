# SPDX-License-Identifier: Apache-2.0
"""Video lists that are checked when they are loaded."""
from __future__ import annotations

import logging
import os.path as osp
import re
from collections.abc import Sequence
from typing import Any

import torch
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..fileio.text_list import read_lines
from .broken_video import BrokenVideoError, run_transforms


@DATASETS.register_module()
class CheckedVideoDataset(VideoDataset):
    """``VideoDataset`` of MMAction2 with errors that name their cure.

    The list and the existence of every local video are checked once, when
    the list is loaded. A video that cannot be decoded is logged once and
    replaced by another one in training. In testing it is an error, since
    skipping it would change the result.

    Arguments are those of ``VideoDataset``. Where ``num_classes`` is given,
    labels are checked against it. With the default ``delimiter``, a blank,
    any number of blanks and tabs separates path and labels. Blank lines are
    skipped.

    Raises:
        FileNotFoundError: If the list or a listed video does not exist.
        ValueError: If the list is not UTF-8 text or is empty, or if a line
            cannot be used.
    """

    @property
    def source(self) -> str:
        """Setting that says where the videos come from, and its value."""
        return f'ann_file {self.ann_file!r}'

    def load_data_list(self) -> list[dict]:
        """List and check the videos."""
        data_list = self.list_videos()
        self._check_files([item['filename'] for item in data_list])
        # Shared by all workers, so that a bad video is logged once.
        self._reported = torch.zeros(
            len(data_list), dtype=torch.bool).share_memory_()
        for index, item in enumerate(data_list):
            item['list_index'] = index
        return data_list

    def list_videos(self) -> list[dict]:
        """Load the list."""
        data_list = [self._parse_line(line, number)
                     for number, line in read_lines(self.ann_file, 'ann_file')]
        if not data_list:
            raise ValueError(
                f'{self.source} lists no video, expected one line '
                f'"path{self.delimiter}label" for each')
        return data_list

    def _parse_line(self, line: str, number: int) -> dict:
        """Turn one line into a sample."""
        filename, *labels = (
            re.split(r'[ \t]+', line)
            if self.delimiter == ' ' else line.split(self.delimiter))
        where = f'line {number} of {self.source}'
        if len(labels) > 1 and not self.multi_class:
            raise ValueError(
                f'{where} is {line!r}, expected "path{self.delimiter}label"; '
                'set multi_class=True for several labels, or another '
                'delimiter if the path contains it')
        try:
            labels = [int(label) for label in labels]
        except ValueError:
            raise ValueError(
                f'{where} is {line!r}, expected a class number after '
                f'{filename!r}') from None
        self._check_labels(labels, where)
        if self.data_prefix['video'] is not None:
            filename = osp.join(self.data_prefix['video'], filename)
        if self.multi_class:
            return dict(filename=filename, label=labels)
        # As in the parent class, a video without a label can train the flow.
        return dict(filename=filename, label=labels[0] if labels else -1)

    def _check_labels(self, labels: Sequence[int], where: str) -> None:
        if self.num_classes is None:
            return
        if not labels and not self.test_mode:
            raise ValueError(
                f'{where} has no label, but num_classes is '
                f'{self.num_classes}; add the label, or leave num_classes '
                'out to train without labels')
        for label in labels:
            if not 0 <= label < self.num_classes:
                raise ValueError(
                    f'{where} has label {label}, expected 0 to '
                    f'{self.num_classes - 1} for num_classes '
                    f'{self.num_classes}; correct the list or num_classes')

    def _check_files(self, filenames: Sequence[str]) -> None:
        """Check that local videos exist; remote ones would cost requests."""
        local = [name for name in filenames if '://' not in name]
        # The decoders of MMAction2 append .mp4 to a name without extension.
        missing = [
            name for name in local
            if not osp.exists(name if osp.splitext(name)[1] else name + '.mp4')
        ]
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(filenames)} videos in {self.source} '
                f'do not exist, the first one is {osp.abspath(missing[0])!r}; '
                'correct data_prefix or data_root, or remove their lines '
                'from the list')

    def prepare_data(self, idx: int) -> Any | None:
        """Run the pipeline on one video.

        Returns None in training if the video cannot be decoded; the base
        class then takes another one.

        Raises:
            ValueError: If the video cannot be decoded in test mode, or no
                video of the list can be decoded.
        """
        results = self.get_data_info(idx)
        path = osp.abspath(results['filename'])
        list_index = results['list_index']
        try:
            return run_transforms(self.pipeline.transforms, results)
        except BrokenVideoError as error:
            if self.test_mode:
                raise ValueError(
                    f'video {path!r} cannot be decoded ({error}); repair it '
                    f'or remove it from {self.source}') from error
            if not self._reported[list_index]:
                self._reported[list_index] = True
                print_log(
                    f'Video {path!r} cannot be decoded ({error}) and is '
                    'replaced by another one in training',
                    logger='current',
                    level=logging.WARNING)
            if self._reported.all():
                raise ValueError(
                    f'none of the {len(self._reported)} videos in '
                    f'{self.source} can be decoded, the last one failed with '
                    f'"{error}"; check the files and the decoder of the '
                    'pipeline') from error
            return None
