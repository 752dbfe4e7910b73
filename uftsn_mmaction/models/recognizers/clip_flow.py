# SPDX-License-Identifier: Apache-2.0
"""Flow of the clips that a recognizer is given."""
from __future__ import annotations

from contextlib import nullcontext

import torch
from mmaction.utils import SampleList
from torch import Tensor

from ..flow.warp import photometric_errors
from .staged import StagedTraining


class ClipFlow(StagedTraining):
    """Mixin of a recognizer that estimates the flow of its clips.

    Attributes:
        clip_len: Frames per clip.
        max_testing_views: Number of clips in testing whose flow is estimated
            at a time, None for all.
    """

    clip_len: int
    max_testing_views: int | None

    def extract_flow(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Estimate the flow of all clips.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].

        Returns:
            Finest level first, ``(B*M, 2, T-1, H_l, W_l)`` in pixels.
        """
        frozen = 'flow_estimator' in self.frozen_parts
        with torch.no_grad() if frozen else nullcontext():
            return self.flow_estimator.levels(self._clips(inputs))

    @torch.no_grad()
    def photometric_errors(self, inputs: Tensor) -> Tensor:
        """Tell how well the present flow explains the frames.

        Random numbers, statistics and modes are left as they are.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1], of which the first
                two frames of the first clip are looked at.

        Returns:
            Means ``(2, )`` of :func:`.warp.photometric_errors` in grey levels
            of 255: with the flow, and with zero flow.
        """
        pairs = inputs[:, 0, :, :2]
        trains = self.flow_estimator.training
        self.flow_estimator.eval()
        flow = self.flow_estimator.levels(pairs)[0]
        self.flow_estimator.train(trains)
        errors = photometric_errors(*pairs.unbind(2), flow[:, :, 0])
        return 255 * torch.stack([error.mean() for error in errors])

    def _clips(self, inputs: Tensor) -> Tensor:
        """Check and flatten the input to ``(B*M, 3, T, H, W)``."""
        channels, length = self.flow_estimator.clip_shape(self.clip_len)
        if inputs.dim() != 6 or inputs.shape[2:4] != (channels, length):
            raise ValueError(
                f'{type(self).__name__} with clip_len={self.clip_len} expects '
                f'inputs (B, M, {channels}, {length}, H, W), got '
                f'{tuple(inputs.shape)}; set clip_len={self.clip_len} in '
                'SampleFrames, and FormatShape(input_format=\'NCTHW\'), or '
                'FormatFlow for cached flow, in the pipeline')
        return inputs.flatten(0, 1)

    def _flow_for_classifier(self, inputs: Tensor, test_mode: bool) -> Tensor:
        """Estimate level 0, in tests ``max_testing_views`` clips at a time."""
        views = self.max_testing_views if test_mode else None
        if views is None:
            return self.extract_flow(inputs)[0]
        return torch.cat([
            self.extract_flow(chunk[None])[0]
            for chunk in self._clips(inputs).split(views)
        ])

    @staticmethod
    def _add_flow(predictions: SampleList, flow: Tensor, key: str) -> None:
        """Give each sample its part of a flow ``(B*M, 2, T-1, H, W)``."""
        flows = flow.cpu().view(len(predictions), -1, *flow.shape[1:])
        for sample, sample_flow in zip(predictions, flows):
            # A view would be dumped together with the whole batch.
            sample.set_field(sample_flow.clone(), key)
