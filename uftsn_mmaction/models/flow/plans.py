# SPDX-License-Identifier: Apache-2.0
"""Sizes of the flow estimator, by name."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Arguments of ``UnsupervisedFlowEstimator`` by the name of the plan. Entry l
#: of ``decoder_channels`` and ``max_displacement`` belongs to level l;
#: ``pyramid_channels`` begins with level 1.
PLANS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    # 5.7 M parameters, as in table 3.
    'uftsn': MappingProxyType(dict(
        pyramid_channels=(16, 32, 64, 128),
        decoder_channels=((16, 16), (48, 32, 16), (160, 120, 80, 48, 32),
                          (304, 224, 144, 80, 48), (416, 352, 256, 160, 64)),
        max_displacement=(2, 4, 4, 4, 4))),
    # 0.43 M parameters, for CPUs, tests and small frames.
    'uftsn_small': MappingProxyType(dict(
        pyramid_channels=(12, 16, 24, 32),
        decoder_channels=((8, 8), (16, 16), (32, 24, 16), (64, 48, 32),
                          (96, 80, 64, 32)),
        max_displacement=(2, 4, 4, 4, 4))),
})
