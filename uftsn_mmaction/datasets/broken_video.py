# SPDX-License-Identifier: Apache-2.0
"""Errors of a video, as opposed to errors of the pipeline."""
from __future__ import annotations

from collections.abc import Callable, Iterable


class BrokenVideoError(ValueError):
    """A decoder failed on a video; the decoder's error is the cause."""


def run_transforms(transforms: Iterable[Callable],
                   results: dict) -> dict | None:
    """Run a pipeline on the results dict of one video.

    Stops with None as soon as a transform returns None.

    Raises:
        BrokenVideoError: If a decoder failed. Errors of other transforms
            and of missing libraries are passed on.
    """
    for transform in transforms:
        try:
            results = transform(results)
        except (BrokenVideoError, ImportError, MemoryError):
            raise
        except Exception as error:
            # Decoders share no exception class, so their transforms are
            # recognised by name: DecordInit, PyAVDecode, OpenCVInit, ...
            if not type(transform).__name__.endswith(('Init', 'Decode')):
                raise
            cause = str(error).strip().split('\n')[0] or type(error).__name__
            raise BrokenVideoError(cause) from error
        if results is None:
            return None
    return results
