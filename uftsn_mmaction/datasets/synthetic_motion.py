# SPDX-License-Identifier: Apache-2.0
"""Generated motion as a video data set of MMAction2."""
from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Sequence
from typing import Any

from mmaction.registry import DATASETS

from .motion.classes import APPEARANCES, CLASSES, MOTIONS, split_label
from .motion.generator import SPLITS, flow_file, generate_motion_set
from .motion.settings import MotionSetSettings
from .video import CheckedVideoDataset


@DATASETS.register_module()
class SyntheticMotionDataset(CheckedVideoDataset):
    """Video files of moving objects with exactly known optical flow.

    The set is generated at its first use. Beside the keys of
    ``VideoDataset``, a sample has ``flow_file`` for
    :class:`LoadGroundTruthFlow`, ``motion_label`` (0 to 7) and
    ``appearance_label`` (0 or 1), with
    ``label = 2 * motion_label + appearance_label``.

    Args:
        data_root: Folder of the generated set.
        split: 'train' or 'test'.
        generator: Settings of the set, see :class:`MotionSetSettings`; the
            same for all splits of a ``data_root``.
        pipeline, kwargs: Arguments of ``VideoDataset``.

    Raises:
        ValueError: If a setting is unknown or out of range, or if
            ``data_root`` holds something else.
    """

    METAINFO = dict(
        dataset_type='synthetic_motion',
        classes=CLASSES,
        motion_classes=tuple(MOTIONS),
        appearance_classes=tuple(APPEARANCES))

    def __init__(self, data_root: str, pipeline: Sequence[dict | Callable],
                 split: str = 'train', generator: dict[str, Any] | None = None,
                 **kwargs: Any) -> None:
        if split not in SPLITS:
            raise ValueError(f'split is {split!r}, expected one of {SPLITS}')
        self.split = split
        self.settings = MotionSetSettings.from_dict(generator or {})
        super().__init__(
            ann_file=f'{split}.txt',
            pipeline=pipeline,
            data_root=data_root,
            data_prefix=dict(video='videos'),
            num_classes=len(CLASSES),
            # The generator has read what it wrote.
            **{'video_check': None, **kwargs})

    def load_data_list(self) -> list[dict]:
        """Generate the set if it is missing, and load its list."""
        generate_motion_set(self.data_root, self.settings)
        data_list = super().load_data_list()
        for item in data_list:
            path = flow_file(self.split, item['list_index'])
            item['flow_file'] = osp.join(self.data_root, 'flow', path)
            item['motion_label'], item['appearance_label'] = split_label(
                item['label'])
        return data_list
