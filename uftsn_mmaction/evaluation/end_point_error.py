# SPDX-License-Identifier: Apache-2.0
"""End-point error: the distance between estimated and true flow, in pixels.

Convention:
    A flow is ``(2, H, W)``, ``(N, 2, H, W)`` or ``(N, 2, T-1, H, W)``,
    channel 0 is u (right), channel 1 is v (down), in pixels.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..fileio.flow_file import is_known
from .motion_boundary import motion_boundary_mask

FlowArray = Tensor | np.ndarray

_CURES = dict(
    pred_flow='set test_cfg=dict(return_flow=True) of UFTSNRecognizer',
    gt_flow='put LoadGroundTruthFlow and PackActionInputs(algorithm_keys='
    "('gt_flow', )) into the test pipeline")


def _as_tensor(array: Any) -> Tensor:
    """Return a flow, which may be an array, as a float tensor."""
    if isinstance(array, Tensor):
        return array.detach().float()
    # A copy, since the array may be a read-only view of a file.
    return torch.from_numpy(np.array(array, dtype=np.float32))


def _channel_dim(flow: Tensor) -> int:
    """Return the dimension of the channels u and v."""
    dim = 0 if flow.dim() == 3 else 1
    if flow.dim() not in (3, 4, 5) or flow.shape[dim] != 2:
        raise ValueError(
            'A flow must be (2, H, W), (N, 2, H, W) or (N, 2, T-1, H, W), got '
            f'{tuple(flow.shape)}; put its two channels in that place')
    return dim


def _length(flow: Tensor, dim: int) -> Tensor:
    """Return the length of the vectors along a dimension of two."""
    # On a CPU much faster than the norm along that dimension.
    return torch.hypot(*flow.unbind(dim))


def known_flow_mask(gt: FlowArray,
                    valid_mask: FlowArray | None = None) -> Tensor:
    """Return a mask, without channels, that is true where the flow is known.

    Args:
        gt: True flow; NaN, infinite or beyond 1e9 where it is unknown.
        valid_mask: Further mask, with or without a channel; 0 where the true
            flow is not to count.

    Raises:
        ValueError: If the mask does not fit the flow.
    """
    gt = _as_tensor(gt)
    dim = _channel_dim(gt)
    known = is_known(gt, dim)
    if valid_mask is None:
        return known
    valid = _as_tensor(valid_mask).to(known.device)
    if valid.dim() == gt.dim() and valid.shape[dim] == 1:
        valid = valid.squeeze(dim)
    if valid.shape != known.shape:
        raise ValueError(
            f'The valid mask of a flow {tuple(gt.shape)} must be '
            f'{tuple(known.shape)}, got {tuple(valid.shape)}; crop and '
            'resize the mask together with the flow')
    return known & (valid > 0)


def end_point_error(flow: FlowArray,
                    gt: FlowArray,
                    valid_mask: FlowArray | None = None) -> FlowArray:
    """Return the length of the difference of two flows, in pixels.

    Args:
        flow: Estimated flow.
        gt: True flow of the same shape.
        valid_mask: See :func:`known_flow_mask`.

    Returns:
        Error of the flow's shape without channels, NaN where the true flow
        is unknown. An array where ``flow`` is one, else a tensor.

    Raises:
        ValueError: If the shapes differ or are not those of flows.

    >>> flow, gt = torch.zeros(2, 1, 2), torch.zeros(2, 1, 2)
    >>> flow[:, 0, 0], gt[0, 0, 1] = torch.tensor([3., 4.]), torch.nan
    >>> end_point_error(flow, gt)
    tensor([[5., nan]])
    """
    estimate = _as_tensor(flow)
    truth = _as_tensor(gt).to(estimate.device)
    if estimate.shape != truth.shape:
        raise ValueError(
            f'The estimated flow is {tuple(estimate.shape)}, the true one '
            f'{tuple(truth.shape)}; bring both to one size with resize_flow, '
            'and take the same frames')
    error = _length(estimate - truth, _channel_dim(truth))
    error = error.masked_fill(~known_flow_mask(truth, valid_mask), np.nan)
    return error if isinstance(flow, Tensor) else error.numpy()


def mean_over_pixels(results: Sequence[dict]) -> dict[str, float]:
    """Divide the sums of samples by their numbers of pixels.

    Args:
        results: For each sample, sum and number of pixels by metric. A metric
            without any pixel is left out.
    """
    metrics = {}
    for name in results[0] if results else ():
        total, count = map(sum, zip(*(sums[name] for sums in results)))
        if count:
            metrics[name] = total / count
    return metrics


@METRICS.register_module()
class EndPointError(BaseMetric):
    """Accuracy of the flow where the true flow is known.

    Takes ``pred_flow`` and ``gt_flow`` ``(num_clips, 2, T-1, H, W)`` of each
    data sample and, if there is one, ``flow_valid_mask`` ``(num_clips, T-1,
    H, W)``. Every mean is over the pixels with a known true flow, not over
    samples. It reports

    - ``AEPE``: mean end-point error in pixels;
    - ``Fl_all``: percentage of pixels whose error is above 3 pixels and
      above 5 % of the true motion;
    - ``AEPE_small``, ``AEPE_medium``: AEPE where the true motion is below 1
      pixel, and from 1 to 5 pixels;
    - ``AEPE_boundary``: AEPE at motion boundaries;
    - ``AEPE_zero``: AEPE of a flow of zero everywhere, the score to beat;
    - ``flow_std``: spatial standard deviation of the estimated flow in
      pixels (of u and v together, mean over samples); 0 after a collapse.

    A mean over no pixel at all is left out. An estimate that is not finite
    counts: it makes AEPE non-finite and is an outlier for ``Fl_all``.

    Args:
        boundary_threshold: Change of the true flow from one pixel to the
            next that makes a motion boundary, in pixels.
        boundary_width: Distance from a boundary, in pixels, up to which a
            pixel counts as near.
        **kwargs: Arguments of ``BaseMetric``.

    Raises:
        ValueError: If the threshold or the width is out of range.
    """

    default_prefix = 'flow'

    def __init__(self,
                 boundary_threshold: float = 0.5,
                 boundary_width: int = 3,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not boundary_threshold > 0:
            raise ValueError('boundary_threshold must be above 0 pixels, got '
                             f'{boundary_threshold}')
        if not isinstance(boundary_width, int) or boundary_width < 1:
            raise ValueError('boundary_width must be a whole number of '
                             f'pixels from 1 up, got {boundary_width}')
        self.boundary_threshold = boundary_threshold
        self.boundary_width = boundary_width

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Sum up each sample; its maps are not kept.

        Raises:
            ValueError: If a sample lacks the estimated or the true flow,
                or their shapes do not agree.
        """
        for sample in data_samples:
            for key, cure in _CURES.items():
                if sample.get(key) is None:
                    raise ValueError(
                        f'EndPointError needs {key} in every data sample, '
                        f'got only {sorted(sample)}; {cure}')
            self.results.append(
                self._sums(
                    _as_tensor(sample['pred_flow']),
                    _as_tensor(sample['gt_flow']),
                    sample.get('flow_valid_mask')))

    def _sums(self, flow: Tensor, gt: Tensor,
              valid_mask: FlowArray | None) -> dict:
        """Return the sum of errors and the number of pixels per metric."""
        gt = gt.to(flow.device)
        for name, value in (('pred_flow', flow), ('gt_flow', gt)):
            if value.dim() != 5 or value.shape[1] != 2:
                raise ValueError(
                    f'EndPointError expects {name} as (num_clips, 2, T-1, H, '
                    f'W), got {tuple(value.shape)}; keep the dimension of '
                    'the clips, even of a single one')
        known = known_flow_mask(gt, valid_mask)
        error = end_point_error(flow, gt)
        magnitude = _length(gt, dim=1)
        # num_clips x 2 x (T-1) x H x W -> (num_clips * (T-1)) x 2 x H x W
        boundary = motion_boundary_mask(
            gt.transpose(1, 2).flatten(0, 1),
            known_flow_mask(gt).flatten(0, 1), self.boundary_threshold,
            self.boundary_width).view_as(known)
        # Negated below, so that a NaN is an outlier.
        within = (error <= 3) | (error <= 0.05 * magnitude)
        medium = (magnitude >= 1) & (magnitude <= 5)
        sums = {}
        for name, values, mask in (
            ('AEPE', error, known),
            ('Fl_all', 100 * (~within).float(), known),
            ('AEPE_small', error, known & (magnitude < 1)),
            ('AEPE_medium', error, known & medium),
            ('AEPE_boundary', error, known & boundary),
            ('AEPE_zero', magnitude, known),
        ):
            total = values.masked_fill(~mask, 0).sum()
            sums[name] = total.item(), int(mask.sum())
        # num_clips x 2 x (T-1): variance over the pixels of one map
        variance = flow.var(dim=(-2, -1), unbiased=False)
        sums['flow_std'] = variance.sum(dim=1).sqrt().mean().item(), 1
        return sums

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Divide the sums of all samples by their numbers of pixels."""
        return mean_over_pixels(results)
