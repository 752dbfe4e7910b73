# SPDX-License-Identifier: Apache-2.0
"""DIS, dense inverse search.

Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse
search", ECCV 2016, as implemented by OpenCV.
"""
from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import cv2
from mmaction.registry import MODELS
from torch import Tensor

from .opencv import OpenCVFlowEstimator, Setting

_PRESETS = MappingProxyType({
    'ultrafast': cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    'fast': cv2.DISOPTICAL_FLOW_PRESET_FAST,
    'medium': cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
})

# OpenCV derives its coarsest scale from the width. Where nothing is left of
# the height it reads beyond the frame, or ends the process.
_LEAST_HEIGHT = 32


@MODELS.register_module()
class DISFlowEstimator(OpenCVFlowEstimator):
    """DIS, by far the fastest of the estimators on a CPU.

    Args:
        preset: Settings of OpenCV to start from: ``'ultrafast'``, ``'fast'``
            or ``'medium'``.
        out_indices: See :class:`PairwiseFlowEstimator`.
        num_workers: See :class:`OpenCVFlowEstimator`.
        settings: Settings that differ from the preset. Names and values are
            OpenCV's; three values are for ultrafast / fast / medium:
            ``finest_scale=2 / 2 / 1`` (flow is computed at ``2**-scale`` of
            the frame's size and upsampled), ``patch_size=8``,
            ``patch_stride=4 / 4 / 3``, ``gradient_descent_iterations=12 / 16
            / 25``, ``variational_iterations=0 / 5 / 5`` (refinement),
            ``variational_alpha=20.0`` (weight of its smoothness),
            ``variational_delta=5.0`` (colour constancy),
            ``variational_gamma=10.0`` (gradient constancy),
            ``mean_normalization=True``, ``spatial_propagation=True``.

    Raises:
        ValueError: If ``patch_stride`` exceeds ``patch_size``; others as in
            :class:`OpenCVFlowEstimator`.
    """

    known_settings = MappingProxyType({
        'finest_scale': Setting('FinestScale', 0),
        # OpenCV pads by 16 pixels and would read beyond them.
        'patch_size': Setting('PatchSize', 1, 16),
        # OpenCV may end the process at 12 and more.
        'patch_stride': Setting('PatchStride', 1, 8),
        'gradient_descent_iterations':
        Setting('GradientDescentIterations', 0),
        'variational_iterations':
        Setting('VariationalRefinementIterations', 0),
        'variational_alpha': Setting('VariationalRefinementAlpha', 0),
        'variational_delta': Setting('VariationalRefinementDelta', 0),
        'variational_gamma': Setting('VariationalRefinementGamma', 0),
        'mean_normalization': Setting('UseMeanNormalization', False, True),
        'spatial_propagation': Setting('UseSpatialPropagation', False, True),
    })
    # OpenCV creates the solver with the settings of the preset.
    presets = MappingProxyType({name: {} for name in _PRESETS})

    def __init__(self,
                 preset: str = 'medium',
                 out_indices: Sequence[int] = (0, ),
                 num_workers: int = 0,
                 **settings: float) -> None:
        super().__init__(preset, out_indices, num_workers, **settings)
        patch_size = self.settings['patch_size']
        patch_stride = self.settings['patch_stride']
        # With gaps between patches OpenCV writes beyond its buffers.
        if patch_stride > patch_size:
            raise ValueError(
                f'patch_stride of DISFlowEstimator is {patch_stride}, '
                f'expected at most patch_size={patch_size}; lower the stride '
                'or raise the size')

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """Refuse frames that are too small for the solver, and solve."""
        height, width = first.shape[-2:]
        is_wide, scale = width > height, self.settings['finest_scale']
        floor = _LEAST_HEIGHT if is_wide else 0
        # A patch has to fit into the frame at the finest scale. Up to scale
        # 2, the coarsest of the presets, OpenCV copes in narrow frames.
        patch = self.settings['patch_size'] << scale
        least = max(floor, patch) if is_wide or scale > 2 else floor
        if min(height, width) < least:
            cure = ', or lower finest_scale or patch_size'
            raise ValueError(
                f'DISFlowEstimator got frames of {height}x{width}, expected '
                f'{least} or more pixels; resize the frames in the pipeline'
                f'{cure if least > floor else ""}')
        return super().estimate(first, second)

    def _create_solver(self) -> cv2.DenseOpticalFlow:
        return cv2.DISOpticalFlow_create(_PRESETS[self.preset])
