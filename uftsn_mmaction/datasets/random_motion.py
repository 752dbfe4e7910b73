# SPDX-License-Identifier: Apache-2.0
"""Pairs of frames of random scenes, rendered while the loader asks for them.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from .scenes.scene import SceneSampler
from .scenes.settings import SceneSettings
from .scenes.textures import TexturePool

SPLITS = ('train', 'val')


@DATASETS.register_module()
class RandomMotionDataset(BaseDataset):
    """Pairs of frames with exactly known flow and visibility.

    A sample has ``imgs`` (two uint8 RGB frames ``(H, W, 3)``), ``num_clips``
    1, ``clip_len`` 2, ``img_shape``, ``original_shape`` and ``label`` 0, and
    as float32 tensors ``gt_flow`` and ``gt_flow_back`` ``(1, 2, 1, H, W)``
    (pixels, from frame 1 to 2 and from 2 to 1, each on the pixels of its own
    frame), and ``gt_visible`` and ``gt_visible_back`` ``(1, 1, 1, H, W)``,
    1 where the other frame shows the point.

    In training each item of each epoch is a new scene. It follows from the
    random numbers of the worker, which :class:`EpochSeedHook` seeds at each
    epoch, so that a resumed run sees the pairs of an uninterrupted one. In
    validation the item follows from seed and index alone.

    Args:
        length: Number of pairs in an epoch.
        pipeline: Transforms of a sample.
        size: Height and width of the frames in pixels, 32 or more.
        split: 'train' or 'val'.
        seed: Random seed of the validation pairs.
        scene: Probabilities and ranges, see :class:`SceneSettings`.
        test_mode: Whether to give the pairs of validation.
        kwargs: Arguments of ``BaseDataset``.

    Raises:
        TypeError: If ``size`` or a range is not a pair.
        ValueError: If a setting is unknown or out of range.
    """

    METAINFO = dict(dataset_type='random_motion')

    def __init__(self, length: int, pipeline: Sequence[dict | Callable] = (),
                 size: tuple[int, int] = (128, 128), split: str = 'train',
                 seed: int = 0, scene: dict[str, Any] | None = None,
                 test_mode: bool = False, **kwargs: Any) -> None:
        if length < 1:
            raise ValueError(f'length is {length}, expected at least one pair '
                             'in an epoch')
        if split not in SPLITS:
            raise ValueError(f'split is {split!r}, expected one of {SPLITS}')
        if seed < 0:
            raise ValueError(f'seed is {seed}, expected 0 or more')
        self.length, self.seed = length, seed
        self.is_fixed = test_mode or split == 'val'
        self.sampler = SceneSampler(
            size, SceneSettings.from_dict(scene or {}))
        self._pool: TexturePool | None = None
        self._pool_seed: int | None = None
        super().__init__(pipeline=list(pipeline), test_mode=test_mode,
                         **kwargs)

    def load_data_list(self) -> list[dict]:
        """Return what all pairs have in common, once for each of them."""
        height, width = self.sampler.size
        return [dict(num_clips=1, clip_len=2, img_shape=(height, width),
                     original_shape=(height, width), label=0)
                for _ in range(self.length)]

    def prepare_data(self, idx: int) -> Any:
        """Render one pair and run the pipeline on it."""
        results = self.get_data_info(idx)
        if self.is_fixed:
            rng = np.random.default_rng([self.seed, results['sample_idx']])
            pair = self.sampler.draw(rng, self._new_pool(capacity=0))
        else:
            rng = np.random.default_rng(np.random.randint(2**32, size=4,
                                                          dtype=np.uint32))
            pair = self.sampler.draw(rng, self._worker_pool())
        results['imgs'] = pair.frames
        # (2, H, W) -> clip, channels, time, height, width
        flow = torch.from_numpy(pair.flow)[:, None, :, None]
        visible = torch.from_numpy(pair.visible)[:, None, None, None].float()
        results.update(gt_flow=flow[0], gt_flow_back=flow[1],
                       gt_visible=visible[0], gt_visible_back=visible[1])
        return self.pipeline(results)

    def _worker_pool(self) -> TexturePool:
        """Return the textures of this worker and epoch.

        A pool that outlived the epoch would tell a resumed run from an
        uninterrupted one; the seed that torch got last names the epoch.
        """
        if self._pool is None or self._pool_seed != torch.initial_seed():
            self._pool = self._new_pool(self.sampler.settings.pool)
            self._pool_seed = torch.initial_seed()
        return self._pool

    def _new_pool(self, capacity: int) -> TexturePool:
        return TexturePool(self.sampler.texture_side, capacity,
                           self.sampler.settings.renewal)
