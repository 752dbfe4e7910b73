# SPDX-License-Identifier: Apache-2.0
"""Flow that the data pipeline has estimated already."""
from __future__ import annotations

from mmaction.registry import MODELS
from torch import Tensor

from ..flow.base import FlowEstimator


@MODELS.register_module(name=['CachedFlowEstimator', 'PrecomputedFlow'])
class CachedFlowEstimator(FlowEstimator):
    """Take flow in place of frames and hand it on.

    The pipeline has ``CachedFlow`` and ``FormatFlow``.
    """

    def __init__(self) -> None:
        super().__init__(out_indices=(0, ), num_levels=1)

    @staticmethod
    def clip_shape(clip_len: int) -> tuple[int, int]:
        """Return 2 channels, and one flow fewer than frames."""
        return 2, clip_len - 1

    def check_clip(self, x: Tensor) -> None:
        """Refuse what is not flow ``(N, 2, T-1, H, W)``."""
        if x.dim() != 5 or x.shape[1] != 2:
            raise ValueError(
                'CachedFlowEstimator expects flow (N, 2, T-1, H, W), got '
                f'{tuple(x.shape)}; set CachedFlow and FormatFlow in the '
                'pipeline')

    def estimate_levels(self,
                        x: Tensor,
                        backward: bool = False) -> tuple[Tensor, ...]:
        """Return the flow as it is; there is no backward flow."""
        if backward:
            raise NotImplementedError(
                'CachedFlowEstimator has no backward flow: CachedFlow stores '
                'the forward flow only')
        return (x, )
