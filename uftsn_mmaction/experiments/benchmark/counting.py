# SPDX-License-Identifier: Apache-2.0
"""Parameters and operations of a flow estimator."""
from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ...models.other_flows.opencv import OpenCVFlowEstimator

_ATEN = torch.ops.aten
_PRODUCTS = (_ATEN.mul, _ATEN.mul_, _ATEN.div, _ATEN.div_, _ATEN.addcmul,
             _ATEN.addcmul_, _ATEN.pow, _ATEN.pow_)


@dataclass(frozen=True)
class PairMacs:
    """Multiply-accumulates of one pair of frames.

    Attributes:
        matrix: Those of convolutions and matrix products.
        elementwise: Products, quotients and powers of tensors element by
            element. In UF-TSN the cost volume (eq. 3) is nearly all of them,
            in unrolled solvers they are all there is.
    """
    matrix: int
    elementwise: int

    @property
    def gmac(self) -> float:
        """Both, in 10**9."""
        return (self.matrix + self.elementwise) / 1e9


def count_parameters(estimator: nn.Module) -> int:
    """Number of parameters, those that do not train included."""
    return sum(parameter.numel() for parameter in estimator.parameters())


def count_macs(estimator: nn.Module, size: Iterable[int]) -> PairMacs | None:
    """Count what an estimator multiplies for one pair of frames.

    PyTorch's own counter knows convolutions and matrix products, and counts
    an operation for each multiplication and each addition. A cost volume is
    built from products of whole tensors, which it does not know.

    Args:
        estimator: Estimator on the CPU.
        size: Height and width in pixels.

    Returns:
        The operations; None for a solver of OpenCV, where none can be seen.
    """
    if isinstance(estimator, OpenCVFlowEstimator):
        return None
    counter = FlopCounterMode(
        display=False,
        custom_mapping=dict.fromkeys(_PRODUCTS, _elementwise_flop))
    # Not inference_mode, in which some releases do not see into linear
    # layers.
    # The fused attention of CPUs is no product that the counter knows.
    with torch.no_grad(), _plain_attention(), counter:
        estimator(torch.zeros(1, 3, 2, *size))
    flops = counter.get_flop_counts().get('Global', {})
    elementwise = sum(flops.get(product, 0) for product in _PRODUCTS)
    matrix = sum(flops.values()) - elementwise
    return PairMacs(matrix // 2, elementwise // 2)


def _plain_attention() -> AbstractContextManager:
    """Attention as two matrix products, where PyTorch has the switch."""
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:  # before 2.3
        return nullcontext()
    return sdpa_kernel(SDPBackend.MATH)


def _elementwise_flop(*args: Any,
                      out_shape: tuple[int, ...] | None = None,
                      **kwargs: Any) -> int:
    """Two for each element, as the counter has it of a convolution."""
    return 2 * prod(out_shape or ())
