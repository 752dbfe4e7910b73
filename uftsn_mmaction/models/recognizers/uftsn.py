# SPDX-License-Identifier: Apache-2.0
"""Motion stream: flow estimator, then a 2D classifier (fig. 1a)."""
from __future__ import annotations

import torch
from mmaction.models.recognizers import Recognizer2D
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, SampleList
from torch import Tensor, nn

from ..flow.base import build_flow_estimator
from ..losses import build_unsupervised_loss
from ..weight_init.cross_modality import load_rgb_kernel, stock_checkpoints
from ..weight_init.first_conv import fit_first_conv, set_input_channels
from .clip_flow import ClipFlow
from .flow_stack import flow_statistics, stack_flow

#: Values of ``test_cfg.return_flow``.
RETURN_FLOW = (False, True, 'both')


@MODELS.register_module()
class UFTSNRecognizer(ClipFlow, Recognizer2D):
    """Temporal stream of UF-TSN: from RGB frames to flow to a class.

    The T-1 flows of a clip are stacked as channels u_1, v_1, u_2, v_2, ...
    for the backbone, as in two-stream networks. Which parts are trained on
    which losses changes with the stages of sec. 3.2, see :meth:`set_stage`.

    Args:
        flow_estimator: Any :class:`FlowEstimator` with level 0 among its
            ``out_indices``.
        backbone: 2D backbone of MMAction2, mmpretrain, timm or torchvision.
            Its input channels are set to ``2 * (clip_len - 1)`` where the
            config leaves out ``in_channels`` (``in_chans`` for timm). None
            for an estimator that trains alone.
        cls_head: MMAction2 head.
        flow_losses: Config of each loss on the flow by name, see
            :class:`FlowLoss` and :class:`SelfSupervisionLoss`; None omits a
            loss.
        photometric_loss: Short for ``flow_losses.photometric`` (eq. 6, 7).
        smoothness_loss: Short for ``flow_losses.smoothness`` (eq. 8).
        clip_len: Frames per clip, T, as in ``SampleFrames``.
        flow_bound: Flow in pixels that the classifier sees as 1, see
            :func:`stack_flow`.
        loss_weights: Weights of the terms ``flow`` (eq. 9) and ``cls`` until
            a stage sets others; by default 0.1 and 1, where they apply.
        pairs_per_clip: Number of consecutive pairs, drawn at random from each
            clip, on which eq. 9 is computed; None for all. In the same time,
            a few pairs of many clips teach more than all pairs of a few.
        neck: MMAction2 neck.
        train_cfg: As in ``Recognizer2D``.
        test_cfg: As in ``Recognizer2D``. ``max_testing_views`` limits the
            clips whose flow is estimated at a time, and so the memory;
            ``return_flow=True`` adds ``pred_flow (M, 2, T-1, H, W)``, and
            ``'both'`` also ``pred_flow_back``, from frame t+1 to frame t.
        data_preprocessor: Must output RGB in [0, 1], as the default does.
    """

    def __init__(self,
                 flow_estimator: ConfigType,
                 backbone: OptConfigType = None,
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
            raise ValueError('clip_len of UFTSNRecognizer must be 2 or more, '
                             f'got {clip_len}')
        if (test_cfg or {}).get('return_flow') not in (None, *RETURN_FLOW):
            raise ValueError(
                f'test_cfg.return_flow of UFTSNRecognizer must be one of '
                f'{RETURN_FLOW}, got {test_cfg["return_flow"]!r}')
        if backbone is None and cls_head is not None:
            raise ValueError('UFTSNRecognizer has a cls_head but no backbone '
                             'to give it features; configure a backbone')
        test_cfg = dict(test_cfg or {})
        # Recognizer2D would split after the flow, which takes most memory.
        max_testing_views = test_cfg.pop('max_testing_views', None)
        return_flow = test_cfg.pop('return_flow', False)
        super().__init__(
            backbone=(set_input_channels(backbone, 2 * (clip_len - 1))
                      if backbone else dict(type=nn.Identity)),
            cls_head=cls_head,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg or None,
            data_preprocessor=data_preprocessor or dict(
                type='ActionDataPreprocessor', mean=[0., 0., 0.],
                std=[255., 255., 255.], format_shape='NCTHW'))
        for name, value in (('flow_bound', flow_bound),
                            ('pairs_per_clip', pairs_per_clip),
                            ('test_cfg.max_testing_views', max_testing_views)):
            if value is not None and value <= 0:
                raise ValueError(f'{name} of UFTSNRecognizer must be above 0 '
                                 f'or None, got {value}')
        self._rgb_checkpoints = stock_checkpoints(backbone or {})
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
                f'flow_estimator is {levels}; start it with 0')
        # A torchvision config is empty by now, since Recognizer2D pops it.
        if backbone is not None:
            fit_first_conv(self.backbone, clip_len,
                           self.backbone_from == 'torchvision')
        if pairs_per_clip is not None and self.flow_loss.needs_gt_flow:
            raise ValueError(
                f'pairs_per_clip of UFTSNRecognizer is {pairs_per_clip}, but '
                'a loss on the true flow takes all pairs; leave it out')

    def init_weights(self) -> None:
        """Initialise all parts, the first kernel from RGB weights if given."""
        # A second call initialises nothing and must not undo training.
        checkpoints = [] if self.is_init else self._rgb_checkpoints
        super().init_weights()
        for checkpoint in checkpoints:
            load_rgb_kernel(self.backbone, checkpoint)

    def extract_feat(self,
                     inputs: Tensor,
                     stage: str = 'neck',
                     data_samples: SampleList = None,
                     test_mode: bool = False) -> tuple:
        """Extract features of the stacked flow, see ``Recognizer2D``."""
        flow = self._flow_for_classifier(inputs, test_mode)
        return self._classify(flow, inputs.shape[1], stage, data_samples,
                              test_mode)

    def loss(self, inputs: Tensor, data_samples: SampleList,
             **kwargs) -> dict[str, Tensor]:
        """Compute the losses of the present stage, and flow statistics.

        Args:
            inputs: Clips ``(B, M, 3, T, H, W)`` in [0, 1].
            data_samples: Samples with ``gt_label``.

        Returns:
            The losses of eq. 9 and of the head, each with the weight of its
            term, and the values of :func:`flow_statistics`.
        """
        losses: dict[str, Tensor] = {}
        flow_weight = self.loss_weights.get('flow', 0)
        cls_weight = self.loss_weights.get('cls', 0)
        flow = None
        if flow_weight:
            clips, flows, flows_back, flow = self._flows_to_train(
                self._clips(inputs), bool(cls_weight))
            terms = self.flow_loss(flows, flows_back, clips,
                                   self._gt_flows(data_samples),
                                   self.flow_estimator)
            losses.update({k: flow_weight * v for k, v in terms.items()})
        if cls_weight:
            if flow is None:
                with torch.set_grad_enabled(torch.is_grad_enabled()
                                            and not self.detach_flow):
                    flow = self.extract_flow(inputs)[0]
            feats, head_kwargs = self._classify(
                flow.detach() if self.detach_flow else flow, inputs.shape[1],
                'neck', data_samples, False)
            terms = self.cls_head.loss(feats, data_samples, **head_kwargs)
            terms = {**terms, **head_kwargs.get('loss_aux', {})}
            losses.update({k: cls_weight * v if 'loss' in k else v
                           for k, v in terms.items()})
        shown = flows[0] if flow is None else flow
        return {**losses, **flow_statistics(shown.detach())}

    def predict(self, inputs: Tensor, data_samples: SampleList,
                **kwargs) -> SampleList:
        """Predict the class scores of each video, as ``Recognizer2D`` does.

        Without a head, the prediction is ``pred_flow``.
        """
        flow = self._flow_for_classifier(inputs, test_mode=True)
        predictions = data_samples
        if self.with_cls_head:
            predictions = self.predict_flow(flow, data_samples)
        if self.return_flow or not self.with_cls_head:
            self._add_flow(predictions, flow, 'pred_flow')
        if self.return_flow == 'both':
            # B x M x 3 x T x H x W, backwards in time.
            flow = self._flow_for_classifier(inputs.flip(3), test_mode=True)
            self._add_flow(predictions, flow.flip(2), 'pred_flow_back')
        return predictions

    def predict_flow(self, flow: Tensor,
                     data_samples: SampleList) -> SampleList:
        """Predict the class scores of videos from their known flow.

        Args:
            flow: Flow ``(B*M, 2, T-1, H, W)`` of level 0, in pixels.
            data_samples: B samples to fill.
        """
        num_segs = len(flow) // len(data_samples)
        feats, head_kwargs = self._classify(flow, num_segs, 'neck', None, True)
        predictions = self.cls_head.predict(feats, data_samples, **head_kwargs)
        for sample in predictions:
            score = sample.pred_score
            sample.set_pred_score(
                score.to(torch.promote_types(score.dtype, torch.float32)))
        return predictions

    def _classify(self, flow: Tensor, num_segs: int, stage: str,
                  data_samples: SampleList, test_mode: bool) -> tuple:
        """Turn flow ``(B*M, 2, T-1, H, W)`` of level 0 into features."""
        stack = stack_flow(flow, self.flow_bound)
        # Recognizer2D takes the clips of a video as a dimension of their own.
        stack = stack.view(-1, num_segs, *stack.shape[1:])
        # Flow is float32 even if the whole model has another precision.
        stack = stack.to(next(self.backbone.parameters()).dtype)
        return super().extract_feat(stack, stage, data_samples, test_mode)
