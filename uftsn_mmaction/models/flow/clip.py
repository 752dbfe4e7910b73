# SPDX-License-Identifier: Apache-2.0
"""What every estimator takes: clips of RGB frames."""
from __future__ import annotations

from torch import Tensor


def check_rgb_clip(x: Tensor) -> None:
    """Refuse what is no batch of clips ``(N, 3, T, H, W)``, T from 2 up.

    Raises:
        ValueError: The shape is another.
    """
    if x.dim() != 5 or x.shape[1] != 3:
        raise ValueError(
            'The flow estimator expects RGB clips (N, 3, T, H, W), got '
            f'{tuple(x.shape)}; use FormatShape(input_format=\'NCTHW\') '
            'in the pipeline')
    if x.shape[2] < 2:
        raise ValueError(
            f'clip_len is {x.shape[2]}, but a flow needs two frames or '
            'more; raise clip_len of SampleFrames')
