# SPDX-License-Identifier: Apache-2.0
"""Flow that teaches itself: of whole frames, to be found in altered crops."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn
from torchvision.transforms import ColorJitter

from ..flow.base import FlowEstimator
from ..flow.warp import valid_mask
from .end_point_error import EndPointErrorLoss
from .occlusion import forward_backward_mask
from .progress import check_begin, has_begun


@MODELS.register_module()
class SelfSupervisionLoss(nn.Module):
    r"""End-point error of a student against the flow of its teacher.

    The teacher is the flow of the whole frames, without a gradient and where
    the forward-backward check finds it visible. The student is the flow that
    the same estimator finds in a crop of them, in other colours. Points that
    leave the crop, but not the frame, are hidden from the student alone; no
    photometric loss could tell it where they are.

    .. math:: \frac{1}{M} \sum_{x \in visible} (\|U_{student}(x)
        - U_{teacher}(x + o)\|_2 + \epsilon)^q

    with the offset o of the crop. Sources: DDFlow (Liu et al., AAAI 2019),
    UFlow (Jonschkowski et al., ECCV 2020). Its loss is
    ``loss_self_supervision``, the mean of both directions.

    Args:
        begin: Number of training steps before the loss applies, since the
            first flows teach nothing.
        margin: Share of height and width that the crop lacks at each side on
            average; its place is random for each clip. The crop must be large
            enough for the estimator.
        colour: Arguments of torchvision's ``ColorJitter``, such as
            ``dict(brightness=0.3, contrast=0.3)``, drawn for each clip; None
            keeps the colours.
        exponent: Exponent q of the error.
        kwargs: ``weight`` and ``epsilon``, see :class:`EndPointErrorLoss`.

    Raises:
        ValueError: If a value is out of range, or the student would see what
            the teacher sees.
    """

    def __init__(self,
                 begin: int = 0,
                 margin: float = 0.125,
                 colour: dict[str, Any] | None = None,
                 exponent: float = 0.4,
                 **kwargs: Any) -> None:
        super().__init__()
        check_begin(begin, 'begin of SelfSupervisionLoss')
        if not 0 <= margin < 0.5:
            raise ValueError('margin of SelfSupervisionLoss must be a share '
                             f'of the frame, 0 to below 0.5, got {margin}')
        if margin == 0 and not colour:
            raise ValueError(
                'margin of SelfSupervisionLoss is 0 and colour is '
                f'{colour!r}, so that the student would see what the teacher '
                'sees; set one of them')
        self.begin = begin
        self.margin = margin
        self.jitter = ColorJitter(**colour) if colour else None
        self.error = EndPointErrorLoss((1., ), exponent, **kwargs)

    def forward(self, flows: Sequence[Tensor], flows_back: Sequence[Tensor],
                clip: Tensor, estimator: FlowEstimator) -> dict[str, Tensor]:
        """Compute the loss of a training step; no loss before it begins.

        Args:
            flows: Flows from frame t to t+1, level 0 first.
            flows_back: Flows from frame t+1 to t, level 0 first.
            clip: Clips ``(N, 3, T, H, W)`` in [0, 1].
            estimator: Estimator of these flows.
        """
        if not has_begun(self.begin, 'begin of SelfSupervisionLoss'):
            return {}
        targets = (visible_target(flows[0], flows_back[0]),
                   visible_target(flows_back[0], flows[0]))
        clip, *targets = random_crops(self.margin, clip, *targets)
        if self.jitter is not None:
            # The frames of a clip change alike: N x 3 x T -> T x 3 each.
            clip = torch.stack([
                self.jitter(frames.transpose(0, 1)).transpose(0, 1)
                for frames in clip
            ])
        errors = [
            self.error(student[0], clip, backward, target)
            for backward, student, target in zip(
                (False, True), estimator.bidirectional(clip), targets)
        ]
        return dict(loss_self_supervision=sum(
            error['loss_end_point_error'] for error in errors) / 2)


def visible_target(flow: Tensor, reverse_flow: Tensor) -> Tensor:
    """Turn an estimated flow into one to learn from.

    Args:
        flow: Flow ``(N, 2, T-1, H, W)``.
        reverse_flow: Flow of the other direction, same shape.

    Returns:
        Flow without a gradient, NaN where the other frame does not show the
        point.
    """
    # N x 2 x (T-1) x H x W -> P x 2 x H x W
    pairs, reverse = (each.detach().transpose(1, 2).flatten(0, 1)
                      for each in (flow, reverse_flow))
    visible = valid_mask(pairs) * forward_backward_mask(pairs, reverse)
    target = pairs.where(visible > 0, torch.nan)
    return target.unflatten(0, (len(flow), -1)).transpose(1, 2)


def random_crops(margin: float, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Cut one window, at a random place for each clip, out of all tensors.

    Args:
        margin: Half of the share that the window lacks of height and width.
        tensors: Clips and flows ``(N, C, T, H, W)`` of one size.

    Examples:
        >>> clip = torch.rand(2, 3, 3, 48, 64)
        >>> flow = torch.rand(2, 2, 2, 48, 64)
        >>> [tuple(part.shape) for part in random_crops(0.125, clip, flow)]
        [(2, 3, 3, 36, 48), (2, 2, 2, 36, 48)]
    """
    height, width = tensors[0].shape[-2:]
    surplus = int(2 * margin * height), int(2 * margin * width)
    rows, columns = height - surplus[0], width - surplus[1]
    tops, lefts = (torch.randint(most + 1, (len(tensors[0]), )).tolist()
                   for most in surplus)
    return tuple(
        torch.stack([part[..., top:top + rows, left:left + columns]
                     for part, top, left in zip(tensor, tops, lefts)])
        for tensor in tensors)
