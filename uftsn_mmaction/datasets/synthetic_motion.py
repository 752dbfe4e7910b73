# SPDX-License-Identifier: Apache-2.0
"""The generated motion set as a video data set of MMAction2."""
import os.path as osp
from collections.abc import Sequence
from typing import Any, Callable, Optional, Union

from mmaction.registry import DATASETS

from .motion.classes import APPEARANCES, CLASSES, MOTIONS, split_label
from .motion.generator import SPLITS, flow_file, generate_motion_set
from .motion.settings import MotionSetSettings
from .video import CheckedVideoDataset


@DATASETS.register_module()
class SyntheticMotionDataset(CheckedVideoDataset):
    """Video files of moving objects with exactly known optical flow.

    The set is generated when it is first needed and recognised later on.
    Several processes may do so at the same time.

    A sample has, besides what ``VideoDataset`` gives, ``flow_file`` for
    :class:`LoadGroundTruthFlow`, ``motion_label`` (0 to 7) and
    ``appearance_label`` (0 or 1), with
    ``label = 2 * motion_label + appearance_label``.

    Args:
        data_root: Folder of the generated set.
        pipeline: Data transforms, those for any video.
        split: 'train' or 'test'.
        generator: Settings of the set, see :class:`MotionSetSettings`; all
            splits of one ``data_root`` need the same.
        kwargs: Further arguments of ``VideoDataset``.

    Raises:
        ValueError: If a setting is unknown or out of range, or if
            ``data_root`` holds something else.
    """

    METAINFO = dict(
        dataset_type='synthetic_motion',
        classes=CLASSES,
        motion_classes=tuple(MOTIONS),
        appearance_classes=tuple(APPEARANCES))

    def __init__(self,
                 data_root: str,
                 pipeline: Sequence[Union[dict, Callable]],
                 split: str = 'train',
                 generator: Optional[dict[str, Any]] = None,
                 **kwargs) -> None:
        if split not in SPLITS:
            raise ValueError(
                f'split is {split!r}, expected one of {SPLITS}.')
        self.split = split
        self.settings = MotionSetSettings.from_dict(generator or {})
        super().__init__(
            ann_file=f'{split}.txt',
            pipeline=pipeline,
            data_root=data_root,
            data_prefix=dict(video='videos'),
            num_classes=len(CLASSES),
            **kwargs)

    def load_data_list(self) -> list[dict]:
        """Generate the set if it is missing, then load its list."""
        generate_motion_set(self.data_root, self.settings)
        data_list = super().load_data_list()
        for index, item in enumerate(data_list):
            item['flow_file'] = osp.join(self.data_root, 'flow',
                                         flow_file(self.split, index))
            item['motion_label'], item['appearance_label'] = split_label(
                item['label'])
        return data_list
