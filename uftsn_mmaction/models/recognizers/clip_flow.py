# SPDX-License-Identifier: Apache-2.0
"""Flow of the clips that a recognizer is given."""
from __future__ import annotations

import torch
from mmaction.utils import SampleList
from torch import Tensor

from ...clips import draw_pairs, take_windows
from ..flow.warp import photometric_errors
from ..losses.unsupervised import UnsupervisedLoss
from .staged import StagedTraining


class ClipFlow(StagedTraining):
    """Mixin of a recognizer that estimates the flow of its clips.

    Attributes:
        clip_len: Frames per clip.
        flow_loss: Loss of the flow, which may compare it with the true one.
        pairs_per_clip: Number of drawn pairs for the losses, None for all.
        max_testing_views: Number of clips in testing whose flow is estimated
            at a time, None for all.
    """

    clip_len: int
    flow_loss: UnsupervisedLoss
    pairs_per_clip: int | None
    max_testing_views: int | None

    def extract_flow(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Estimate the flow of all clips.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].

        Returns:
            Finest level first, ``(B*M, 2, T-1, H_l, W_l)`` in pixels.
        """
        trains = any(parameter.requires_grad
                     for parameter in self.flow_estimator.parameters())
        # A frozen estimator runs as in inference.
        with_grad = torch.is_grad_enabled() and (trains
                                                 or inputs.requires_grad)
        with torch.set_grad_enabled(with_grad):
            return self.flow_estimator.levels(self._clips(inputs))

    def _flows_to_train(
        self, clips: Tensor, for_classifier: bool
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...], Tensor | None]:
        """Estimate the flows for the losses of eq. 9, and for the classifier.

        Args:
            clips: Clips ``(N, 3, T, H, W)``.
            for_classifier: Whether the classifier needs the flow of all
                pairs.

        Returns:
            The clips of the losses, which are drawn pairs with
            ``pairs_per_clip``; their forward and backward flows; and the flow
            of level 0 of all pairs, None if it is not estimated.
        """
        estimator = self.flow_estimator
        if self.pairs_per_clip is None:
            flows, flows_back = estimator.bidirectional(clips)
            return clips, flows, flows_back, flows[0]
        starts = draw_pairs(clips, self.pairs_per_clip)
        pairs = take_windows(clips, starts, 2)
        # A classifier without influence on the flow needs no gradient of all
        # pairs: then the drawn ones are cheaper alone.
        if (for_classifier and not self.detach_flow
                and estimator.pairs_are_independent):
            flows, *drawn = estimator.with_drawn_pairs(clips, starts)
            return pairs, *drawn, flows[0]
        return pairs, *estimator.bidirectional(pairs), None

    def _gt_flows(self, data_samples: SampleList) -> dict[bool, Tensor] | None:
        """Collect the true flows by direction, if a loss needs them."""
        if not self.flow_loss.needs_gt_flow:
            return None
        keys = {False: 'gt_flow', True: 'gt_flow_back'}
        # M x 2 x (T-1) x H x W of each sample -> (B*M) x 2 x (T-1) x H x W
        return {
            backward: torch.cat([sample.get(key) for sample in data_samples])
            for backward, key in keys.items()
            if all(key in sample for sample in data_samples)
        }

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
