# SPDX-License-Identifier: Apache-2.0
"""The motion stream: flow estimator, then a 2D classifier (fig. 1a)."""
from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from mmaction.models.recognizers import Recognizer2D
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, SampleList
from torch import Tensor

from ...clips import draw_pairs
from ..flow.base import build_flow_estimator
from ..losses import build_unsupervised_loss
from ..weight_init.cross_modality import load_rgb_kernel, stock_checkpoints
from ..weight_init.first_conv import (
    replace_first_conv,
    require_input_channels,
    set_input_channels,
)
from .flow_stack import stack_flow
from .staged import StagedTraining


@MODELS.register_module()
class UFTSNRecognizer(StagedTraining, Recognizer2D):
    """Temporal stream of UF-TSN: from RGB frames over flow to a class.

    The T-1 flows of a clip are stacked as channels u_1, v_1, u_2, v_2, ...
    for the backbone, as in two-stream networks. Which parts train and which
    losses count changes with the stages of sec. 3.2, see :meth:`set_stage`.

    Args:
        flow_estimator: Any estimator from a clip ``(N, 3, T, H, W)`` in
            [0, 1] to flows, finest level first.
        backbone: 2D backbone of MMAction2, mmpretrain, timm or torchvision.
            Its input channels, ``2 * (clip_len - 1)``, are set here where the
            config leaves out ``in_channels`` (``in_chans`` for timm).
        cls_head: MMAction2 head.
        flow_losses: Losses on the flow by name, see :class:`FlowLoss`; None
            in place of a config omits one.
        photometric_loss: Short for ``flow_losses=dict(photometric=...)``
            (eq. 6 and 7).
        smoothness_loss: Short for ``flow_losses=dict(smoothness=...)``
            (eq. 8).
        clip_len: Frames per clip, T; as in ``SampleFrames``.
        flow_bound: Pixels of flow that the classifier sees as 1, see
            :func:`stack_flow`.
        loss_weights: Weights of the terms ``flow`` (eq. 9) and ``cls`` as
            long as no stage says otherwise; 0.1 and 1 where they apply.
        pairs_per_clip: Number of consecutive pairs, drawn at random from each
            clip, on which eq. 9 is measured; None for all. In the same time,
            a few pairs of many clips teach more than all pairs of a few.
        neck: MMAction2 neck.
        train_cfg: As in ``Recognizer2D``.
        test_cfg: As in ``Recognizer2D``. ``max_testing_views`` bounds the
            clips whose flow is estimated at a time, and with it the memory;
            ``return_flow=True`` adds ``pred_flow`` ``(M, 2, T-1, H, W)`` to
            each predicted sample.
        data_preprocessor: Must leave RGB in [0, 1]; this is the default.
    """

    def __init__(self,
                 flow_estimator: ConfigType,
                 backbone: ConfigType,
                 cls_head: OptConfigType = None,
                 flow_losses: dict[str, OptConfigType] | None = None,
                 photometric_loss: OptConfigType = None,
                 smoothness_loss: OptConfigType = None,
                 clip_len: int = 10,
                 flow_bound: float | None = 20.0,
                 loss_weights: dict[str, float] | None = None,
                 pairs_per_clip: int | None = None,
                 neck: OptConfigType = None,
                 train_cfg: OptConfigType = None,
                 test_cfg: OptConfigType = None,
                 data_preprocessor: OptConfigType = None) -> None:
        if clip_len < 2:
            raise ValueError('clip_len of UFTSNRecognizer must be 2 or more '
                             f'to hold a motion, got {clip_len}')
        test_cfg = dict(test_cfg or {})
        # Recognizer2D splits after the flow, where memory is long gone.
        max_testing_views = test_cfg.pop('max_testing_views', None)
        return_flow = test_cfg.pop('return_flow', False)
        super().__init__(
            backbone=set_input_channels(backbone, 2 * (clip_len - 1)),
            cls_head=cls_head,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg or None,
            data_preprocessor=data_preprocessor or dict(
                type='ActionDataPreprocessor',
                mean=[0., 0., 0.],
                std=[255., 255., 255.],
                format_shape='NCTHW'))
        if flow_bound is not None and flow_bound <= 0:
            raise ValueError('flow_bound of UFTSNRecognizer must be above 0 '
                             f'(pixels) or None, got {flow_bound}')
        for name, count in (('pairs_per_clip', pairs_per_clip),
                            ('test_cfg.max_testing_views', max_testing_views)):
            if count is not None and count < 1:
                raise ValueError(f'{name} of UFTSNRecognizer must be 1 or '
                                 f'more, or None for all, got {count}')
        self.clip_len = clip_len
        self.flow_bound = flow_bound
        self.pairs_per_clip = pairs_per_clip
        self.max_testing_views = max_testing_views
        self.return_flow = return_flow
        self.flow_estimator = build_flow_estimator(flow_estimator,
                                                   type(self).__name__)
        self.flow_loss = build_unsupervised_loss(flow_losses, photometric_loss,
                                                 smoothness_loss)
        if loss_weights is None:
            unsupervised = (self.flow_loss.terms
                            and self.flow_estimator.can_train)
            loss_weights = dict(
                cls=1.0 if cls_head else 0, flow=0.1 if unsupervised else 0)
        self.loss_weights = self.check_losses(loss_weights)
        levels = self.flow_estimator.out_indices
        if levels[0] != 0:
            raise ValueError(
                'The classifier takes the flow of level 0, but out_indices of '
                f'the flow estimator is {levels}; begin it with 0')
        if self.backbone_from == 'torchvision':
            replace_first_conv(self.backbone, 2 * (clip_len - 1))
        require_input_channels(self.backbone, clip_len)

    def init_weights(self) -> None:
        """Initialise all parts; the first kernel from RGB weights too."""
        # A later call, which initialises nothing, must not undo training.
        checkpoints = [] if self.is_init else stock_checkpoints(self.backbone)
        super().init_weights()
        for checkpoint in checkpoints:
            load_rgb_kernel(self.backbone, checkpoint)

    def extract_flow(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Flows of all clips.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].

        Returns:
            Finest level first, ``(B*M, 2, T-1, H_l, W_l)`` in pixels.
        """
        frozen = 'flow_estimator' in self.frozen_parts
        with torch.no_grad() if frozen else nullcontext():
            return self.flow_estimator.levels(self._clips(inputs))

    def extract_feat(self,
                     inputs: Tensor,
                     stage: str = 'neck',
                     data_samples: SampleList = None,
                     test_mode: bool = False) -> tuple:
        """Features of the stacked flows, as ``Recognizer2D`` gives them.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].
            stage: ``backbone``, ``neck`` or ``head``: where to stop.
            data_samples: Samples, for a neck with a loss of its own.
            test_mode: Whether this is a prediction.

        Returns:
            Features and the keyword arguments of the head.
        """
        flow = self._flow_for_classifier(inputs, test_mode)
        return self._classify(flow, inputs.shape[1], stage, data_samples,
                              test_mode)

    def loss(self, inputs: Tensor, data_samples: SampleList,
             **kwargs) -> dict[str, Tensor]:
        """Losses of the present stage, and statistics of the flow.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].
            data_samples: Samples with ``gt_label``.

        Returns:
            ``loss_difference``, ``loss_census``, ``loss_smoothness`` (eq. 9)
            and the head's losses, each with the weight of its term; beside
            them ``flow_norm`` (mean length in pixels) and ``flow_std`` (mean
            spatial deviation, 0 once the flow has collapsed).
        """
        losses: dict[str, Tensor] = {}
        flow_weight = self.loss_weights.get('flow', 0)
        cls_weight = self.loss_weights.get('cls', 0)
        if flow_weight:
            clips = self._clips(inputs)
            if self.pairs_per_clip is not None:
                clips = draw_pairs(clips, self.pairs_per_clip)
            flow, terms = self._flow_loss(clips)
            losses.update({k: flow_weight * v for k, v in terms.items()})
        if cls_weight:
            # With all pairs drawn, the forward flow is there already.
            if not flow_weight or self.pairs_per_clip is not None:
                flow = self.extract_flow(inputs)[0]
            feats, head_kwargs = self._classify(
                flow.detach() if self.detach_flow else flow, inputs.shape[1],
                'neck', data_samples, False)
            terms = self._in_float32(self.cls_head.loss, feats, data_samples,
                                     **head_kwargs)
            terms = {**terms, **head_kwargs.get('loss_aux', {})}
            losses.update({
                k: cls_weight * v if 'loss' in k else v
                for k, v in terms.items()
            })
        u, v = flow.detach().unbind(1)
        losses['flow_norm'] = torch.hypot(u, v).mean()
        # N x (T-1) x H x W -> N x (T-1) x (H * W)
        u, v = u.flatten(2), v.flatten(2)
        losses['flow_std'] = torch.hypot(u.std(2), v.std(2)).mean()
        return losses

    def predict(self, inputs: Tensor, data_samples: SampleList,
                **kwargs) -> SampleList:
        """Class scores of each video, see ``Recognizer2D``."""
        flow = self._flow_for_classifier(inputs, test_mode=True)
        feats, head_kwargs = self._classify(flow, inputs.shape[1], 'neck',
                                            None, True)
        predictions = self._in_float32(self.cls_head.predict, feats,
                                       data_samples, **head_kwargs)
        if self.return_flow:
            # (B*M) x 2 x (T-1) x H x W -> B x M x 2 x (T-1) x H x W
            flow = flow.cpu().view(*inputs.shape[:2], *flow.shape[1:])
            for sample, sample_flow in zip(predictions, flow):
                # A copy: a dump of a view would hold the whole batch.
                sample.set_field(sample_flow.clone(), 'pred_flow')
        return predictions

    def _clips(self, inputs: Tensor) -> Tensor:
        """``(B, M, 3, T, H, W)`` -> ``(B*M, 3, T, H, W)``, checked."""
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
        """Level-0 flow ``(B*M, 2, T-1, H, W)``, a few clips at a time."""
        views = self.max_testing_views if test_mode else None
        if views is None:
            return self.extract_flow(inputs)[0]
        return torch.cat([
            self.extract_flow(chunk[None])[0]
            for chunk in self._clips(inputs).split(views)
        ])

    def _flow_loss(self, clips: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Level-0 forward flow and the terms of eq. 9."""
        flows, flows_back = self.flow_estimator.bidirectional(clips)
        return flows[0], self.flow_loss(flows, flows_back, clips)

    def _classify(self, flow: Tensor, num_segs: int, stage: str,
                  data_samples: SampleList, test_mode: bool) -> tuple:
        """Level-0 flow ``(B*M, 2, T-1, H, W)`` to features."""
        stack = stack_flow(flow, self.flow_bound)
        # Recognizer2D wants the clips of a video as a dimension of its own.
        stack = stack.view(-1, num_segs, *stack.shape[1:])
        return super().extract_feat(stack, stage, data_samples, test_mode)

    def _in_float32(self, function: Callable, feats: Tensor, *args: Any,
                    **kwargs: Any) -> Any:
        """Heads and metrics go through numpy, which has no bfloat16."""
        if isinstance(feats, Tensor):
            feats = feats.float()
        device = next(self.parameters()).device.type
        with torch.autocast(device, enabled=False):
            return function(feats, *args, **kwargs)
