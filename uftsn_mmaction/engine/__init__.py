# SPDX-License-Identifier: Apache-2.0
"""Training: stages, reproducible epochs, safe checkpoints."""
from .atomic_backend import AtomicLocalBackend
from .epoch_seed import EpochSeedHook
from .staged_training import StagedTrainingHook

__all__ = ['AtomicLocalBackend', 'EpochSeedHook', 'StagedTrainingHook']
