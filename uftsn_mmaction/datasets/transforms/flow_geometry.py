# SPDX-License-Identifier: Apache-2.0
"""Flips and resizing of flow: of its image and of its values.

MMAction2's ``Flip`` and ``Resize`` move the pixels of a flow image but keep
its values or negate the wrong ones, see docs/cached_flow.md.
"""
from __future__ import annotations

import numpy as np
from mmaction.datasets.transforms import Flip, FormatShape, Resize
from mmaction.registry import TRANSFORMS

# Keys that only the stock transforms leave in the results.
_SIGNS = dict(flip=('Flip', 'FlipFlow'), scale_factor=('Resize', 'ResizeFlow'))


def check_flow(results: dict, transform: str) -> None:
    """Refuse images that are not flow or that stock transforms changed."""
    image = results['imgs'][0]
    if image.shape[2:] != (2, ) or image.dtype != np.float32:
        raise ValueError(
            f'{transform} expects flow images (H, W, 2) of float32, got '
            f'{image.shape} of {image.dtype}; put it after CachedFlow')
    for key, (stock, ours) in _SIGNS.items():
        if key in results:
            raise ValueError(
                f'{stock} has changed the images of the flow, but not its '
                f'values; use {ours} after CachedFlow')


@TRANSFORMS.register_module()
class FlipFlow(Flip):
    """Flip the image of a flow, and negate the flipped component.

    A horizontal flip negates u, a vertical one v. Arguments and random
    numbers are those of ``Flip``.

    Required Keys: imgs (flow), img_shape, modality

    Modified Keys: imgs, label (with a ``flip_label_map``)
    """

    def __init__(self, flip_ratio: float = 0.5, direction: str = 'horizontal',
                 flip_label_map: dict[int, int] | None = None) -> None:
        super().__init__(flip_ratio, direction, flip_label_map)

    def transform(self, results: dict) -> dict:
        """Flip all flows, or none."""
        check_flow(results, 'FlipFlow')
        results = super().transform(results)
        del results['flip']
        return results

    def _flip_imgs(self, imgs: list[np.ndarray],
                   modality: str) -> list[np.ndarray]:
        axis = 1 if self.direction == 'horizontal' else 0
        # Axis 1 of the image is that of u, which is channel 0.
        signs = np.float32([-1, 1] if axis == 1 else [1, -1])
        return [np.flip(image, axis) * signs for image in imgs]


@TRANSFORMS.register_module()
class ResizeFlow(Resize):
    """Resize the image of a flow, and scale its values, which are pixels.

    Arguments are those of ``Resize``, without ``lazy``.

    Required and Modified Keys: imgs (flow), img_shape
    """

    def __init__(self, scale: float | tuple[int, int], keep_ratio: bool = True,
                 interpolation: str = 'bilinear') -> None:
        super().__init__(scale, keep_ratio, interpolation)

    def transform(self, results: dict) -> dict:
        """Resize all flows."""
        check_flow(results, 'ResizeFlow')
        results = super().transform(results)
        del results['scale_factor']
        return results

    def _resize_imgs(self, imgs: list[np.ndarray], new_w: int,
                     new_h: int) -> list[np.ndarray]:
        height, width = imgs[0].shape[:2]
        ratios = np.float32([new_w / width, new_h / height])
        resized = super()._resize_imgs(imgs, new_w, new_h)
        return [image * ratios for image in resized]


@TRANSFORMS.register_module()
class FormatFlow(FormatShape):
    """Stack flows as clips ``(M, 2, clip_len - 1, H, W)``.

    The counterpart of ``FormatShape(input_format='NCTHW')`` for frames. It
    ends a pipeline with ``CachedFlow``, and refuses flow that a stock
    transform has spoilt.

    Required Keys: imgs (flow), num_clips, clip_len

    Modified and Added Keys: imgs, input_shape
    """

    def __init__(self) -> None:
        super().__init__('NCTHW')

    def transform(self, results: dict) -> dict:
        """Stack the flows."""
        check_flow(results, 'FormatFlow')
        clip_len = results['clip_len']
        expected = results['num_clips'] * (clip_len - 1)
        if len(results['imgs']) == 10 * expected:
            raise ValueError(
                'TenCrop mirrors the flow but not its direction; use '
                'ThreeCrop or CenterCrop after CachedFlow')
        # Later transforms find the number of frames under this key.
        results['clip_len'] = clip_len - 1
        results = super().transform(results)
        results['clip_len'] = clip_len
        return results
