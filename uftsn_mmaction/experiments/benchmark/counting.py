# SPDX-License-Identifier: Apache-2.0
"""Operations of a flow estimator."""
from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ...models.other_flows.opencv import OpenCVFlowEstimator

_ATEN = torch.ops.aten
_PRODUCTS = (_ATEN.mul, _ATEN.mul_, _ATEN.div, _ATEN.div_, _ATEN.addcmul,
             _ATEN.addcmul_, _ATEN.pow, _ATEN.pow_)
_CORRELATE = torch.ops.uftsn.warp_correlate


class PairMacs(NamedTuple):
    """Multiply-accumulates for each pair of frames."""
    matrix: int  # of convolutions and matrix products
    elementwise: int  # products, quotients and powers, as of eq. 3


def count_macs(estimator: nn.Module, size: Iterable[int],
               clip_len: int = 2) -> PairMacs | None:
    """Count the multiplications for each pair of a clip; None for OpenCV's.

    Two pairs with a frame in common share the features of that frame.
    """
    if any(isinstance(part, OpenCVFlowEstimator)
           for part in estimator.modules()):
        return None
    # Without the mapping, convolutions and matrix products alone count.
    counter = FlopCounterMode(
        display=False,
        custom_mapping={
            **dict.fromkeys(_PRODUCTS, _flops), _CORRELATE: _correlation
        })
    # no_grad, since some releases do not see into linear layers in
    # inference_mode; plain attention is two matrix products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        estimator(torch.zeros(1, 3, clip_len, *size))
    flops = counter.get_flop_counts().get('Global', {})
    elementwise = sum(flops.get(product, 0)
                      for product in (*_PRODUCTS, _CORRELATE))
    share = 2 * (clip_len - 1)
    return PairMacs((sum(flops.values()) - elementwise) // share,
                    elementwise // share)


def _flops(*args: Any, out_shape: Iterable[int] = (), **kwargs: Any) -> int:
    """Return two per element, as PyTorch counts a convolution."""
    return 2 * prod(out_shape)


def _correlation(first: Iterable[int], *args: Any,
                 out_shape: Iterable[int] = (), **kwargs: Any) -> int:
    """Return two per product of eq. 3, and per division by the channels."""
    _, channels, *_ = first
    return 2 * prod(out_shape) * (channels + 1)
