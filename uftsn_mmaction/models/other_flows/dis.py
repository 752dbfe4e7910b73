# SPDX-License-Identifier: Apache-2.0
"""Dense inverse search behind the contract of the learned estimator.

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

# OpenCV takes its coarsest scale from the width, and reads beyond the frame
# (or ends the process) where nothing is left of the height.
_LEAST_HEIGHT = 32


@MODELS.register_module()
class DISFlowEstimator(OpenCVFlowEstimator):
    """DIS, by far the fastest of the estimators on a CPU.

    Takes the place of a learned estimator: ``flow_estimator=dict(type=
    'DISFlowEstimator')``. It runs on the CPU, has no parameters and cannot
    be trained (``differentiable`` is False).

    Args:
        preset: OpenCV's set of settings to start from: ``'ultrafast'``,
            ``'fast'`` or ``'medium'``.
        out_indices: See :class:`PairwiseFlowEstimator`.
        num_workers: See :class:`OpenCVFlowEstimator`.
        settings: DIS settings that differ from the preset. Names and
            OpenCV's values, where they differ for ultrafast / fast / medium:
            ``finest_scale=2 / 2 / 1`` (flow is computed at ``2**-scale`` of
            the frame's size and upsampled), ``patch_size=8``,
            ``patch_stride=4 / 4 / 3``, ``gradient_descent_iterations=12 / 16
            / 25``, ``variational_iterations=0 / 5 / 5`` (refinement),
            ``variational_alpha=20.0`` (weight of its smoothness),
            ``variational_delta=5.0`` (colour constancy),
            ``variational_gamma=10.0`` (gradient constancy),
            ``mean_normalization=True``, ``spatial_propagation=True``.

    Raises:
        TypeError: A setting that DIS does not have.
        ValueError: An unknown preset or level, or a bad value.
    """

    known_settings = MappingProxyType({
        'finest_scale':
        Setting('FinestScale', 0),
        # OpenCV pads by 16 pixels; a larger patch would read beyond.
        'patch_size':
        Setting('PatchSize', 1, 16),
        # OpenCV may end the process at 12 and more.
        'patch_stride':
        Setting('PatchStride', 1, 8),
        'gradient_descent_iterations':
        Setting('GradientDescentIterations', 0),
        'variational_iterations':
        Setting('VariationalRefinementIterations', 0),
        'variational_alpha':
        Setting('VariationalRefinementAlpha', 0),
        'variational_delta':
        Setting('VariationalRefinementDelta', 0),
        'variational_gamma':
        Setting('VariationalRefinementGamma', 0),
        'mean_normalization':
        Setting('UseMeanNormalization', False, True),
        'spatial_propagation':
        Setting('UseSpatialPropagation', False, True),
    })
    # The solver is created with what they stand for.
    presets = MappingProxyType({name: {} for name in _PRESETS})

    def __init__(self,
                 preset: str = 'medium',
                 out_indices: Sequence[int] = (0, ),
                 num_workers: int = 0,
                 **settings: float) -> None:
        super().__init__(preset, out_indices, num_workers, **settings)
        patch_size, patch_stride = (
            self.settings[name] for name in ('patch_size', 'patch_stride'))
        # Between the patches OpenCV would write beyond its buffers.
        if patch_stride > patch_size:
            raise ValueError(
                f'patch_stride of DISFlowEstimator is {patch_stride}, '
                f'expected at most its patch_size, {patch_size}; lower the '
                'one or raise the other')

    def estimate(self, first: Tensor, second: Tensor) -> Tensor:
        """See :meth:`PairwiseFlowEstimator.estimate`.

        Raises:
            ValueError: The frames are too small for the solver.
        """
        height, width = first.shape[-2:]
        is_wide, scale = width > height, self.settings['finest_scale']
        floor = _LEAST_HEIGHT if is_wide else 0
        # A patch has to fit into the frame at the finest scale; at those of
        # the presets narrow frames do without.
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
