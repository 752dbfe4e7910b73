# SPDX-License-Identifier: Apache-2.0
"""One setting for the folder of unlabelled videos."""
from __future__ import annotations

import copy

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner


@RUNNERS.register_module()
class VideoFolderRunner(Runner):
    """``Runner`` that gives its data sets the ``video_root`` of the config.

    A config names the folder once, and ``--cfg-options video_root=FOLDER``
    changes it for all data sets: MMEngine puts variables such as
    ``{{_base_.video_root}}`` in their places when it reads the file, before
    it looks at the command line. A ``VideoFolderDataset`` that names a folder
    itself keeps it.

    Set ``runner_type='VideoFolderRunner'`` in the config.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> Runner:
        """Build the runner of a config."""
        cfg = copy.deepcopy(cfg)
        for part in ('train', 'val', 'test'):
            dataset = (cfg.get(f'{part}_dataloader') or {}).get('dataset', {})
            if dataset.get('type') == 'VideoFolderDataset':
                dataset.setdefault('video_root', cfg.get('video_root'))
        return super().from_cfg(cfg)
