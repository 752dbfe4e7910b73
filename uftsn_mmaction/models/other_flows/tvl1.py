# SPDX-License-Identifier: Apache-2.0
"""TV-L1 (table 2).

Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical
flow", 2007, reference [9] of the paper, as implemented by OpenCV.
"""
from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import cv2
from mmaction.registry import MODELS

from .opencv import OpenCVFlowEstimator, Setting


@MODELS.register_module()
class TVL1FlowEstimator(OpenCVFlowEstimator):
    """TV-L1, the classical solver that the paper compares with.

    Args:
        preset: Settings to start from: ``'opencv'`` (OpenCV's defaults) or
            ``'fast'`` (5 scales, 2 warps, 2 outer and 10 inner iterations).
        out_indices: See :class:`PairwiseFlowEstimator`.
        num_workers: See :class:`OpenCVFlowEstimator`.
        settings: Settings that differ from the preset. Names and defaults of
            OpenCV: ``tau=0.25`` (time step), ``lambda_=0.15`` (weight of the
            data term), ``theta=0.3`` (tightness), ``num_scales=5``,
            ``num_warps=5`` (per scale), ``epsilon=0.01`` (stopping
            criterion), ``inner_iterations=30``, ``outer_iterations=10``,
            ``scale_step=0.8``, ``gamma=0.0`` (illumination changes),
            ``median_filtering=5`` (1, 3 or 5).

    Raises:
        ImportError: If OpenCV was built without its contrib modules; others
            as in :class:`OpenCVFlowEstimator`.
    """

    known_settings = MappingProxyType({
        'tau': Setting('Tau', 1e-6),
        'lambda_': Setting('Lambda', 0),
        'theta': Setting('Theta', 1e-6),
        'num_scales': Setting('ScalesNumber', 1),
        'num_warps': Setting('WarpingsNumber', 1),
        'epsilon': Setting('Epsilon', 0),
        'inner_iterations': Setting('InnerIterations', 1),
        'outer_iterations': Setting('OuterIterations', 1),
        'scale_step': Setting('ScaleStep', 0.1, 1.0),
        'gamma': Setting('Gamma', 0),
        # Side of the filter's window.
        'median_filtering': Setting('MedianFiltering', 1, 5, step=2),
    })
    presets = MappingProxyType({
        'opencv': {},
        # About four times faster for a little accuracy.
        'fast': dict(
            num_scales=5, num_warps=2, outer_iterations=2,
            inner_iterations=10),
    })

    def __init__(self,
                 preset: str = 'opencv',
                 out_indices: Sequence[int] = (0, ),
                 num_workers: int = 0,
                 **settings: float) -> None:
        super().__init__(preset, out_indices, num_workers, **settings)

    def _create_solver(self) -> cv2.DenseOpticalFlow:
        if not hasattr(cv2, 'optflow'):
            raise ImportError(
                f'TVL1FlowEstimator needs cv2.optflow, which OpenCV '
                f'{cv2.__version__} was installed without; run `pip install '
                'opencv-contrib-python`')
        return cv2.optflow.DualTVL1OpticalFlow_create()
