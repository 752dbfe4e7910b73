# SPDX-License-Identifier: Apache-2.0
"""The motion stream on flow that the data pipeline brings along."""
from __future__ import annotations

from typing import Any

from mmaction.registry import MODELS
from mmaction.utils import OptConfigType

from .uftsn import UFTSNRecognizer


@MODELS.register_module()
class CachedFlowRecognizer(UFTSNRecognizer):
    """``UFTSNRecognizer`` that takes the flow of ``CachedFlow`` as its input.

    Its weights fit a ``UFTSNRecognizer`` whose estimator has none, such as
    ``TVL1FlowEstimator``, and the other way round.

    Args:
        data_preprocessor: Must leave flow in pixels, as the default does.
        kwargs: Arguments of ``UFTSNRecognizer`` besides ``flow_estimator``.
    """

    def __init__(self,
                 *,
                 data_preprocessor: OptConfigType = None,
                 **kwargs: Any) -> None:
        super().__init__(
            flow_estimator=dict(type='CachedFlowEstimator'),
            data_preprocessor=data_preprocessor or dict(
                type='ActionDataPreprocessor', format_shape='NCTHW'),
            **kwargs)
