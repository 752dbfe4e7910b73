# SPDX-License-Identifier: Apache-2.0
"""The decoder that a pipeline will use."""
from __future__ import annotations

from collections.abc import Callable, Iterable

#: Decoder by the transform that opens a video.
DECODERS = dict(
    DecordInit='decord_bytes',
    DecordPathInit='decord',
    OpenCVInit='opencv',
    PyAVInit='pyav',
    TorchCodecInit='torchcodec')


def decoder_of(transforms: Iterable[Callable]) -> str | None:
    """Return the decoder of a pipeline, None where none opens local files.

    Examples:
        >>> from mmaction.datasets.transforms import OpenCVInit
        >>> decoder_of([OpenCVInit()])
        'opencv'
    """
    for transform in transforms:
        decoder = DECODERS.get(type(transform).__name__)
        if decoder is not None:
            local = getattr(transform, 'io_backend', 'disk') == 'disk'
            return decoder if local else None
    return None
