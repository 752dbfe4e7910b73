# SPDX-License-Identifier: Apache-2.0
"""Accuracy over groups of classes that share a motion."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.evaluation import AccMetric
from mmaction.registry import METRICS
from torch import Tensor

_TOP1 = dict(
    metric_list=('top_k_accuracy', ),
    metric_options=dict(top_k_accuracy=dict(topk=(1, ))))


@METRICS.register_module()
class MotionAccuracy(AccMetric):
    """``AccMetric`` over groups of classes.

    Some classes differ in what the motion stream cannot see: in the
    generated data set a label is ``motion * 2 + tint``, and flow has no
    tint. The probability of a group is the sum over its classes. A
    ``pred_score`` that is a dict of streams gives one accuracy for each.

    Args:
        group_size: Number of consecutive classes in a group: the group of a
            label is ``label // group_size``.
        groups: Group of each class, in place of ``group_size``.
        from_scores: True where ``pred_score`` holds class scores of any
            range: a softmax makes them probabilities before they are added.
        **kwargs: Arguments of ``AccMetric``; top-1 alone by default.

    Raises:
        ValueError: If not exactly one of ``group_size`` and ``groups`` is
            given, or it is not a grouping.
    """

    default_prefix = 'motion'

    def __init__(self,
                 group_size: int | None = None,
                 groups: Sequence[int] | None = None,
                 from_scores: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(**{**_TOP1, **kwargs})
        if (group_size is None) == (groups is None):
            raise ValueError(
                'MotionAccuracy needs either group_size or groups, got '
                f'group_size={group_size} and groups={groups}; name one')
        if group_size is not None and group_size < 1:
            raise ValueError('group_size of MotionAccuracy must be 1 or '
                             f'above, got {group_size}')
        if groups is not None and {*groups} != {*range(len({*groups}))}:
            raise ValueError(
                'groups of MotionAccuracy must number the groups from 0 '
                f'without a gap, got {list(groups)}')
        self.group_size = group_size
        self.groups = None if groups is None else list(groups)
        self.from_scores = from_scores

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Turn classes into groups, and leave the rest to ``AccMetric``.

        Raises:
            ValueError: If a sample has several labels, its scores are not
                finite or no probabilities, or its classes do not fit the
                groups.
        """
        grouped = []
        for sample in data_samples:
            score, label = sample['pred_score'], sample['gt_label']
            if label.numel() != 1:
                raise ValueError(
                    'MotionAccuracy takes one label a sample, got '
                    f'{label.numel()}; use AccMetric for multi-label data')
            if isinstance(score, dict):
                pred = {
                    stream: self._group_score(item)
                    for stream, item in score.items()
                }
                score = next(iter(score.values()))
            else:
                pred = self._group_score(score)
            group_of_class = self._group_of_class(score.shape[-1])
            # Only these two, since AccMetric copies whatever it is given.
            label = group_of_class[label.reshape(1).cpu()]
            grouped.append(dict(pred_score=pred, gt_label=label))
        super().process(data_batch, grouped)

    def _group_score(self, score: Tensor) -> Tensor:
        """Return the probability of each group, from a score per class."""
        score = score.detach().float().cpu()
        if not score.isfinite().all():
            raise ValueError(
                f'MotionAccuracy got pred_score {score.tolist()}, expected '
                'finite numbers; look for the fault in the checkpoint')
        if self.from_scores:
            score = score.softmax(dim=-1)
        elif score.min() < -1e-3 or (score.sum(-1) - 1).abs().max() > 0.05:
            raise ValueError(
                'MotionAccuracy adds class probabilities, got a pred_score '
                f'from {score.min():.4g} to {score.max():.4g} whose sum is '
                f'{score.sum(-1).max():.4g}; set from_scores=True for class '
                "scores, or average_clips='prob' of the head")
        group_of_class = self._group_of_class(score.shape[-1])
        grouped = score.new_zeros(int(group_of_class.max()) + 1)
        return grouped.index_add_(-1, group_of_class, score)

    def _group_of_class(self, num_classes: int) -> Tensor:
        """Return the group of each class, ``(num_classes, )``."""
        if self.groups is None:
            if num_classes % self.group_size:
                raise ValueError(
                    f'group_size={self.group_size} of MotionAccuracy does '
                    f'not divide the {num_classes} classes of pred_score; '
                    'give groups instead')
            return torch.arange(num_classes) // self.group_size
        if len(self.groups) != num_classes:
            raise ValueError(
                'groups of MotionAccuracy must name a group for each of the '
                f'{num_classes} classes of pred_score, got '
                f'{len(self.groups)} entries')
        return torch.tensor(self.groups)
