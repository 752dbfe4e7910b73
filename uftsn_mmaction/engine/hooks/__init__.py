# SPDX-License-Identifier: Apache-2.0
"""Hooks of MMEngine's runner."""
from .bad_videos import BadVideosHook
from .channels_last import ChannelsLastHook
from .complete_checkpoint import CompleteCheckpointHook
from .epoch_seed import EpochSeedHook
from .exact_resume import ExactResumeHook
from .finite_scores import FiniteScoresHook
from .finite_training import FiniteTrainingHook
from .flow_health import FlowHealthHook
from .interruption import InterruptionHook
from .keep_heap import KeepHeapHook
from .quiet_log import QuietLogHook
from .safe_checkpoint import SafeCheckpointHook
from .stage_timer import StageTimerHook
from .staged_training import StagedTrainingHook
from .stream_scores import StreamScoresHook

__all__ = [
    'BadVideosHook', 'ChannelsLastHook', 'CompleteCheckpointHook',
    'EpochSeedHook', 'ExactResumeHook', 'FiniteScoresHook',
    'FiniteTrainingHook', 'FlowHealthHook', 'InterruptionHook',
    'KeepHeapHook', 'QuietLogHook', 'SafeCheckpointHook', 'StageTimerHook',
    'StagedTrainingHook', 'StreamScoresHook'
]
