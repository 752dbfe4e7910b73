# SPDX-License-Identifier: Apache-2.0
"""Mixed precision without a GPU."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """``OptimWrapper`` whose steps run under autocast to bfloat16.

    MMEngine's ``AmpOptimWrapper`` asks for a GPU, since it scales the loss
    for float16. Gradients in bfloat16 have the range of float32 and need no
    scaling, so that a CPU with AVX512-BF16 or AMX can train this way.
    Parameters, optimizer state, flow and losses stay float32.

    Its arguments are those of ``OptimWrapper``.

    Examples:
        >>> layer = nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
        >>> wrapper = Bfloat16OptimWrapper(optimizer)
        >>> with wrapper.optim_context(layer):
        ...     loss = layer(torch.ones(1, 2)).sum()
        >>> loss.dtype
        torch.bfloat16
        >>> wrapper.update_params(loss.float())
        >>> layer.weight.dtype
        torch.float32
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Add autocast to the context of a step."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(
                device, torch.bfloat16):
            yield
