# SPDX-License-Identifier: Apache-2.0
"""Training in stages, reproducible epochs, safe checkpoints, stream tests."""
from .atomic_backend import AtomicLocalBackend
from .epoch_seed import EpochSeedHook
from .staged_training import StagedTrainingHook
from .stream_scores import StreamScoresHook

__all__ = [
    'AtomicLocalBackend', 'EpochSeedHook', 'StagedTrainingHook',
    'StreamScoresHook'
]
