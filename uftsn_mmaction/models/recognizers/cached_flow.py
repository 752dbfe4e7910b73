# SPDX-License-Identifier: Apache-2.0
"""The motion stream on flow that the data pipeline brings along."""
from __future__ import annotations

from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType

from .uftsn import UFTSNRecognizer


@MODELS.register_module()
class CachedFlowRecognizer(UFTSNRecognizer):
    """Classifier of ``UFTSNRecognizer`` behind ``CachedFlow``.

    It takes flow in the place of frames; all behind it is that of
    ``UFTSNRecognizer``, so that weights trained here fit there, with an
    estimator that has none of its own, such as ``TVL1FlowEstimator``.

    Args:
        backbone: As in ``UFTSNRecognizer``.
        cls_head: As in ``UFTSNRecognizer``.
        clip_len: Frames per clip, T; as in ``SampleFrames``.
        flow_bound: As in ``UFTSNRecognizer``.
        neck: As in ``UFTSNRecognizer``.
        train_cfg: As in ``UFTSNRecognizer``.
        test_cfg: As in ``UFTSNRecognizer``.
        data_preprocessor: Must leave flow in pixels; this is the default.
    """

    def __init__(self,
                 backbone: ConfigType,
                 cls_head: OptConfigType = None,
                 clip_len: int = 10,
                 flow_bound: float | None = 20.0,
                 neck: OptConfigType = None,
                 train_cfg: OptConfigType = None,
                 test_cfg: OptConfigType = None,
                 data_preprocessor: OptConfigType = None) -> None:
        super().__init__(
            flow_estimator=dict(type='CachedFlowEstimator'),
            backbone=backbone,
            cls_head=cls_head,
            clip_len=clip_len,
            flow_bound=flow_bound,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor or dict(
                type='ActionDataPreprocessor', format_shape='NCTHW'))
