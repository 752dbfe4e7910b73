# SPDX-License-Identifier: Apache-2.0
"""Errors of a flow that need no true flow: what it leaves unexplained."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..models.flow.warp import (
    backward_warp,
    photometric_errors,
    valid_mask,
)
from ..models.losses.occlusion import forward_backward_mask
from .end_point_error import mean_over_pixels

_CURE = "set test_cfg=dict(return_flow='both') of UFTSNRecognizer"


@METRICS.register_module()
class ReconstructionError(BaseMetric):
    """Photometric and forward-backward error of flow without known truth.

    Takes ``pred_flow`` and ``pred_flow_back`` ``(M, 2, T-1, H, W)`` of each
    data sample, and the frames of the batch. It reports, as means over the
    pixels of both directions,

    - ``photometric``: absolute difference between a frame and the other one
      warped to it, in grey levels of 0..255. A pixel whose flow leaves the
      frame counts with the difference that zero flow has there, so that
      pointing outside gains nothing;
    - ``photometric_zero``: the same for zero flow, the score to beat;
    - ``forward_backward``: distance in pixels between a pixel and where the
      flow and then the reverse flow lead, where that is inside the frame;
    - ``inconsistent``: percentage of these pixels that
      :func:`forward_backward_mask` takes for occluded.

    None of them replaces the true flow: occluded pixels have an error even
    there, zero flow is perfectly consistent, and in a smooth region any flow
    explains the frames.
    """

    default_prefix = 'flow'

    def process(self, data_batch: Mapping[str, Any],
                data_samples: Sequence[dict]) -> None:
        """Sum up each sample; its maps are not kept.

        Raises:
            ValueError: If a sample lacks a flow, or its frames do not fit.
        """
        for inputs, sample in zip(data_batch['inputs'], data_samples):
            missing = [key for key in ('pred_flow', 'pred_flow_back')
                       if sample.get(key) is None]
            if missing:
                raise ValueError(
                    f'ReconstructionError needs {missing[0]} in every data '
                    f'sample, got only {sorted(sample)}; {_CURE}')
            there, back = (_as_pairs(sample[key].float())
                           for key in ('pred_flow', 'pred_flow_back'))
            frames = inputs.to(there.device, there.dtype)
            early = _as_pairs(frames[:, :, :-1])
            late = _as_pairs(frames[:, :, 1:])
            if early.shape[::2] != there.shape[::2] or early.shape[1] != 3:
                raise ValueError(
                    'ReconstructionError expects frames (M, 3, T, H, W) of '
                    f'the flow {tuple(sample["pred_flow"].shape)}, got '
                    f'{tuple(inputs.shape)}; use FormatShape('
                    "input_format='NCTHW') in the pipeline")
            # Both directions at once: one result for each sample.
            self.results.append(
                _sums(
                    torch.cat((there, back)), torch.cat((back, there)),
                    torch.cat((early, late)), torch.cat((late, early))))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Divide the sums of all samples by their numbers of pixels."""
        return mean_over_pixels(results)


def _as_pairs(clips: Tensor) -> Tensor:
    """Turn ``(M, C, T, H, W)`` into ``(M * T, C, H, W)``."""
    return clips.transpose(1, 2).flatten(0, 1)


def reconstruction_maps(flow: Tensor, reverse_flow: Tensor, first: Tensor,
                        second: Tensor) -> dict[str, Tensor]:
    """Return the errors of each pixel, ``(P, 1, H, W)``.

    Args:
        flow: Flow ``(P, 2, H, W)`` in pixels.
        reverse_flow: Flow of the other direction.
        first, second: Frames ``(P, 3, H, W)`` in 0..255.

    Returns:
        ``photometric``, ``photometric_zero`` and ``forward_backward`` of
        :class:`ReconstructionError`, and 1 where the flow ends ``inside``.
    """
    inside = valid_mask(flow)
    photometric, still = photometric_errors(first, second, flow)
    gap = (flow + backward_warp(reverse_flow, flow)).norm(dim=1, keepdim=True)
    return dict(
        photometric=photometric, photometric_zero=still,
        forward_backward=gap * inside, inside=inside)


def _sums(flow: Tensor, reverse_flow: Tensor, first: Tensor,
          second: Tensor) -> dict[str, tuple[float, float]]:
    """Return the sum of errors and the number of pixels per metric."""
    maps = reconstruction_maps(flow, reverse_flow, first, second)
    inside = maps['inside']
    hidden = 1 - forward_backward_mask(flow, reverse_flow)
    count = inside.sum().item()
    sums = {
        name: (maps[name].sum().item(), maps[name].numel())
        for name in ('photometric', 'photometric_zero')
    }
    return dict(
        sums,
        forward_backward=(maps['forward_backward'].sum().item(), count),
        inconsistent=(100 * (hidden * inside).sum().item(), count))
