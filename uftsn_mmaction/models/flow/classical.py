# SPDX-License-Identifier: Apache-2.0
"""TV-L1 flow behind the contract of the learned estimator (table 2).

Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical
flow", 2007, reference [9] of the paper, as implemented by OpenCV.
"""
from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from .warp import resize_flow

# Argument -> (setter of OpenCV's object, OpenCV's default). Setters, because
# the names of the constructor's own keywords differ from release to release.
_SETTINGS = MappingProxyType({
    'tau': ('setTau', 0.25),
    'lambda_': ('setLambda', 0.15),
    'theta': ('setTheta', 0.3),
    'num_scales': ('setScalesNumber', 5),
    'num_warps': ('setWarpingsNumber', 5),
    'epsilon': ('setEpsilon', 0.01),
    'inner_iterations': ('setInnerIterations', 30),
    'outer_iterations': ('setOuterIterations', 10),
    'scale_step': ('setScaleStep', 0.8),
    'gamma': ('setGamma', 0.0),
    'median_filtering': ('setMedianFiltering', 5),
})

PRESETS = MappingProxyType({
    'opencv': MappingProxyType({}),
    # About four times faster for a little accuracy.
    'fast': MappingProxyType(
        dict(
            num_scales=5, num_warps=2, outer_iterations=2,
            inner_iterations=10)),
})


@MODELS.register_module()
class TVL1FlowEstimator(BaseModule):
    """TV-L1, the classical solver the paper compares itself with.

    Takes the place of a learned estimator: ``flow_estimator=dict(type=
    'TVL1FlowEstimator')``. It runs on the CPU, has no parameters and cannot
    be trained (``differentiable`` is False).

    Args:
        preset: Set of settings to start from: ``'opencv'`` (OpenCV's own
            defaults) or ``'fast'`` (5 scales, 2 warps, 2 outer and 10 inner
            iterations).
        out_indices: Levels to return. With one index the flow itself is
            returned instead of a tuple, as the learned estimator does.
        settings: TV-L1 settings that differ from the preset. Names and
            OpenCV's defaults: ``tau=0.25`` (time step), ``lambda_=0.15``
            (weight of the data term), ``theta=0.3`` (tightness),
            ``num_scales=5``, ``num_warps=5`` (per scale), ``epsilon=0.01``
            (stopping criterion), ``inner_iterations=30``,
            ``outer_iterations=10``, ``scale_step=0.8``, ``gamma=0.0``
            (illumination changes), ``median_filtering=5`` (1, 3 or 5).

    Raises:
        ImportError: OpenCV was built without its contrib modules.
        TypeError: A setting that TV-L1 does not have.
        ValueError: An unknown preset or level.
    """

    differentiable = False

    def __init__(self,
                 preset: str = 'opencv',
                 out_indices: Sequence[int] = (0, ),
                 **settings: float) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise ValueError(f'preset of TVL1FlowEstimator must be one of '
                             f'{tuple(PRESETS)}, got {preset!r}')
        unknown = sorted(set(settings) - set(_SETTINGS))
        if unknown:
            raise TypeError(
                f'TVL1FlowEstimator has no setting {", ".join(unknown)}; '
                f'its settings are {", ".join(_SETTINGS)}')
        if not out_indices or any(
                int(level) != level or level < 0 for level in out_indices):
            raise ValueError('out_indices must name one level or more, each '
                             f'0 or above, got {tuple(out_indices)}')
        self.preset = preset
        self.out_indices = tuple(out_indices)
        self.settings = {
            **{name: default
               for name, (_, default) in _SETTINGS.items()},
            **PRESETS[preset],
            **settings
        }
        # Fails here rather than in the first forward. The object itself is
        # not kept: it can be neither copied nor pickled, a model has to be.
        self._build_solver()

    def _build_solver(self) -> cv2.DenseOpticalFlow:
        if not hasattr(cv2, 'optflow'):
            raise ImportError(
                f'TVL1FlowEstimator needs cv2.optflow, which OpenCV '
                f'{cv2.__version__} was installed without; run `pip install '
                'opencv-contrib-python`')
        solver = cv2.optflow.DualTVL1OpticalFlow_create()
        for name, (setter, _) in _SETTINGS.items():
            getattr(solver, setter)(self.settings[name])
        return solver

    @torch.no_grad()
    def forward(self,
                x: Tensor,
                backward: bool = False) -> tuple[Tensor, ...] | Tensor:
        """Estimate the flow between consecutive frames of clips (eq. 1).

        Args:
            x: Clips ``(N, 3, T, H, W)``, RGB in [0, 1].
            backward: True for the flow from frame t+1 to frame t.

        Returns:
            The item of level l is ``(N, 2, T-1, ceil(H / 2**l), ceil(W /
            2**l))``, float32 on the clip's device, in pixels of that level.

        Raises:
            ValueError: The input is no RGB clip of two frames or more, or
                its values are not in [0, 1].
        """
        clips = self._to_grey(x)
        solver = self._build_solver()
        flows = np.stack([
            np.stack([
                self._solve(solver, clip[t], clip[t + 1], backward)
                for t in range(len(clip) - 1)
            ]) for clip in clips
        ])
        # N x (T-1) x H x W x 2 -> N x 2 x (T-1) x H x W
        flow = torch.from_numpy(flows).permute(0, 4, 1, 2, 3).contiguous()
        flow = flow.to(x.device)
        outs = tuple(self._to_level(flow, level) for level in self.out_indices)
        return outs[0] if len(outs) == 1 else outs

    def bidirectional(
        self, x: Tensor
    ) -> tuple[tuple[Tensor, ...] | Tensor, tuple[Tensor, ...] | Tensor]:
        """Forward and backward flow of the same clips."""
        return self(x), self(x, backward=True)

    @staticmethod
    def _solve(solver: cv2.DenseOpticalFlow, frame: np.ndarray,
               next_frame: np.ndarray, backward: bool) -> np.ndarray:
        """Flow ``(H, W, 2)`` of one pair of grey frames ``(H, W)``."""
        if backward:
            frame, next_frame = next_frame, frame
        return solver.calc(frame, next_frame, None)

    @staticmethod
    def _to_grey(x: Tensor) -> np.ndarray:
        """8-bit grey clips ``(N, T, H, W)``; TV-L1 knows no colour."""
        if x.dim() != 5 or x.shape[1] != 3:
            raise ValueError(
                'The flow estimator expects RGB clips (N, 3, T, H, W), got '
                f'{tuple(x.shape)}; use FormatShape(input_format=\'NCTHW\') '
                'in the pipeline')
        if x.shape[2] < 2:
            raise ValueError(
                f'clip_len is {x.shape[2]}, but a flow needs two frames or '
                'more; raise clip_len of SampleFrames')
        x = x.float()
        low, high = x.min().item(), x.max().item()
        # Interpolation may overshoot a little; a NaN fails both comparisons.
        if not (low >= -0.5 and high <= 1.5):
            raise ValueError(
                'TVL1FlowEstimator expects a clip in [0, 1], got values from '
                f'{low:.4g} to {high:.4g}; divide 8-bit frames by 255 and '
                'use no other mean or std before the flow estimator')
        frames = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        # N x 3 x T x H x W -> N x T x H x W x 3
        frames = frames.permute(0, 2, 3, 4, 1).contiguous().cpu().numpy()
        return np.stack([
            np.stack([cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in clip])
            for clip in frames
        ])

    @staticmethod
    def _to_level(flow: Tensor, level: int) -> Tensor:
        """Flow ``(N, 2, T-1, H, W)`` in size and pixels of a level."""
        if level == 0:
            return flow
        batch, _, steps, height, width = flow.shape
        size = (-(-height // 2**level), -(-width // 2**level))
        # N x 2 x (T-1) x H x W -> (N * (T-1)) x 2 x h x w
        small = resize_flow(flow.transpose(1, 2).flatten(0, 1), size)
        # (N * (T-1)) x 2 x h x w -> N x 2 x (T-1) x h x w
        return small.view(batch, steps, 2, *size).transpose(1, 2)

    def extra_repr(self) -> str:
        """The settings, since a TV-L1 result means little without them."""
        return ', '.join(f'{name}={value}'
                         for name, value in self.settings.items())
