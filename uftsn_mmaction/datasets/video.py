# SPDX-License-Identifier: Apache-2.0
"""Video lists that are checked when they are loaded."""
from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..fileio.text_list import read_lines, split_columns
from .bad_videos import BadVideos
from .broken_video import BrokenVideoError, run_transforms
from .video_check.check import check_videos
from .video_check.decoder import decoder_of
from .video_check.report import VideoReport, file_signature


@DATASETS.register_module()
class CheckedVideoDataset(VideoDataset):
    """``VideoDataset`` of MMAction2 that no bad video can end.

    When the list is loaded, every local video is read to its end in a child
    process, which a hostile file may crash; the reports are kept, so that
    this is done once for each file. Bad videos are left out of a training,
    each reported once by name and reason. A test refuses them, since
    skipping them would change the result. A video that cannot be decoded
    later all the same is replaced by another one in training.

    With the default ``delimiter``, a blank, any number of blanks and tabs
    separates path and labels. Blank lines are skipped.

    Args:
        args: Arguments of ``VideoDataset``. Where ``num_classes`` is given,
            labels are checked against it.
        video_check: Arguments ``workers`` and ``time_limit`` of
            :func:`check_videos`; None to look at the files without reading
            them.
        max_bad_share: Largest share of the list that may be bad; by default
            0.5 in training and 0 in testing.
        kwargs: Further arguments of ``VideoDataset``.

    Raises:
        FileNotFoundError: If the list or a listed video does not exist.
        ValueError: If the list is not UTF-8 text or is empty, if a line
            cannot be used, or if too many videos are bad.
    """

    def __init__(self,
                 *args: Any,
                 video_check: dict[str, int] | None = MappingProxyType({}),
                 max_bad_share: float | None = None,
                 **kwargs: Any) -> None:
        # A mapping proxy cannot be sent to a worker.
        self.video_check = None if video_check is None else dict(video_check)
        self.max_bad_share = max_bad_share
        super().__init__(*args, **kwargs)

    @property
    def source(self) -> str:
        """Setting that says where the videos come from, and its value."""
        return f'ann_file {self.ann_file!r}'

    def load_data_list(self) -> list[dict]:
        """List and check the videos."""
        data_list = self.list_videos()
        self._check_files([item['filename'] for item in data_list])
        share = self.max_bad_share
        if share is None:
            share = 0 if self.test_mode else 0.5
        self.bad_videos = BadVideos(self.source, len(data_list), share)
        paths = dict(enumerate(map(_local_path, data_list)))
        reports = self._read([path for path in paths.values() if path])
        reports = {index: reports[path] for index, path in paths.items()
                   if path}
        self._leave_out(
            paths, {index: report.reason for index, report in reports.items()
                    if report.reason})
        sound = []
        for index, item in enumerate(data_list):
            report = reports.get(index, VideoReport())
            if report.reason:
                continue
            if report.note:
                print_log(
                    f'Video {paths[index]!r} is used although {report.note}',
                    logger='current',
                    level=logging.WARNING)
            item.update(list_index=index, signature=report.signature)
            sound.append(item)
        return sound

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
        filename, *labels = split_columns(line, self.delimiter)
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
        missing = [
            name for name in filenames
            if (path := _local_path(dict(filename=name)))
            # The reason of a link that leads nowhere is told later.
            and not osp.lexists(path)
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
            ValueError: If the video cannot be decoded in test mode, or too
                many cannot in training.
        """
        results = self.get_data_info(idx)
        path = osp.abspath(results['filename'])
        list_index = results['list_index']
        try:
            self._check_again(results)
            sample = run_transforms(self.pipeline.transforms, results)
        except BrokenVideoError as error:
            if self.test_mode:
                raise ValueError(
                    f'video {path!r} cannot be decoded ({error}); repair it '
                    f'or remove it from {self.source}') from error
            self.bad_videos.replace(list_index, path, error)
            return None
        if not self.test_mode and sample and 'data_samples' in sample:
            # For FiniteTrainingHook, which names the videos of a step.
            sample['data_samples'].set_metainfo(dict(filename=path))
        return sample

    def _leave_out(self, paths: dict[int, str],
                   reasons: dict[int, str]) -> None:
        """Report bad videos by their number in the list."""
        self.bad_videos.leave_out(paths, reasons)

    def _read(self, paths: Sequence[str]) -> dict[str, VideoReport]:
        """Return what the decoder of the pipeline finds in videos."""
        if self.video_check is None:
            return check_videos(paths, None)
        decoder = decoder_of(self.pipeline.transforms)
        return check_videos(paths, decoder, **self.video_check)

    def _check_again(self, results: dict) -> None:
        """Check a file that is not the one that was read before.

        Raises:
            BrokenVideoError: If the new one is bad.
        """
        path = _local_path(results)
        if path and file_signature(path) != results['signature']:
            report = self._read([path])[path]
            if report.reason:
                raise BrokenVideoError(report.reason)


def _local_path(item: dict) -> str | None:
    """Return the file of a video, None if it is not on this machine."""
    name = item['filename']
    if '://' in name:
        return None
    # The decoders of MMAction2 append .mp4 to a name without extension.
    return name if osp.splitext(name)[1] else f'{name}.mp4'
