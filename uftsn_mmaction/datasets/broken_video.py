# SPDX-License-Identifier: Apache-2.0
"""Errors of a video, told from those of a pipeline's settings."""
from __future__ import annotations

from collections.abc import Callable, Iterable


class BrokenVideoError(ValueError):
    """A decoder failed on a video; the decoder's error is the cause."""


def run_transforms(transforms: Iterable[Callable],
                   results: dict) -> dict | None:
    """Run a pipeline on one video.

    Args:
        transforms: Transforms in their order.
        results: What is known of the video.

    Returns:
        What the last transform returns, or None once one of them does.

    Raises:
        BrokenVideoError: A decoder failed. Other transforms and missing
            libraries keep their own errors.
    """
    for transform in transforms:
        try:
            results = transform(results)
        except (BrokenVideoError, ImportError, MemoryError):
            raise
        except Exception as error:
            # The decoders share no exception class, so their transforms
            # are told by name: DecordInit, PyAVDecode, OpenCVInit, ...
            if not type(transform).__name__.endswith(('Init', 'Decode')):
                raise
            cause = str(error).strip().split('\n')[0] or type(error).__name__
            raise BrokenVideoError(cause) from error
        if results is None:
            return None
    return results
