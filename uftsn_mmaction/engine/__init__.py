# SPDX-License-Identifier: Apache-2.0
"""Training in stages, reproducible epochs, stream tests."""
from .hooks import EpochSeedHook, StagedTrainingHook, StreamScoresHook

__all__ = ['EpochSeedHook', 'StagedTrainingHook', 'StreamScoresHook']
