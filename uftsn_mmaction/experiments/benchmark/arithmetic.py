# SPDX-License-Identifier: Apache-2.0
"""Precision and layout of the estimators of a benchmark."""
from __future__ import annotations

from dataclasses import replace

import torch

from ...models.flow import FlowEstimator, UnsupervisedFlowEstimator
from ...models.flow.precision import Arithmetic
from ...models.other_flows import PTLFlowEstimator


def set_arithmetic(estimator: FlowEstimator, precision: str | None,
                   layout: str | None) -> Arithmetic | None:
    """Let the convolutions of an estimator compute as asked.

    The networks of ptlflow run under autocast.

    Args:
        estimator: Estimator on its device, or one that refines another.
        precision: 'float32' or 'bfloat16'; None leaves it to the estimator.
        layout: 'contiguous' or 'channels_last'; None likewise.

    Returns:
        What its convolutions compute in; None for a solver, which has none.
    """
    for part in estimator.modules():
        if isinstance(part, UnsupervisedFlowEstimator):
            given = dict(precision=precision, layout=layout)
            part.arithmetic = replace(part.arithmetic, **{
                name: value for name, value in given.items() if value})
            return part.arithmetic.for_weight(next(part.parameters()))
        if isinstance(part, PTLFlowEstimator):
            chosen = Arithmetic(precision or 'float32', layout or 'contiguous')
            network = part.network
            if chosen.precision == 'bfloat16':
                device = next(network.parameters()).device.type
                network.forward = torch.autocast(device, torch.bfloat16)(
                    network.forward)
            if chosen.layout == 'channels_last':
                network.to(memory_format=torch.channels_last)
            return chosen
    return None
