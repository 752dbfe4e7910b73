# SPDX-License-Identifier: Apache-2.0
"""One estimator at work: from 8-bit frames in memory to predictions."""
from __future__ import annotations

from time import perf_counter, process_time
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import Tensor

from ...datasets.motion.classes import APPEARANCES, MOTIONS
from ...datasets.motion.renderer import MotionRenderer
from ...fileio.paths import check_input_file
from ...models.flow import FlowEstimator
from ...models.flow_zoo import build_estimator
from .arithmetic import set_arithmetic
from .settings import BenchmarkSettings, Combination


class Seconds(NamedTuple):
    """Seconds that a batch took."""
    total: float  # from frames to predictions
    flow: float  # the flow within it
    cpu: float  # of all threads of the process, for the whole


class FlowOnly(BaseModel):
    """Preprocessing and flow, without a classifier."""

    def __init__(self, flow_estimator: FlowEstimator) -> None:
        super().__init__(
            dict(type='ActionDataPreprocessor', mean=[0., 0., 0.],
                 std=[255., 255., 255.], format_shape='NCTHW'))
        self.flow_estimator = flow_estimator

    def forward(self, inputs: Tensor, data_samples: list | None = None,
                mode: str = 'tensor') -> tuple[Tensor, ...]:
        """Estimate the flow of clips ``(B, M, 3, T, H, W)`` in [0, 1]."""
        return self.flow_estimator.levels(inputs.flatten(0, 1))


def build_model(estimator: FlowEstimator, path: str | None,
                clip_len: int) -> BaseModel:
    """Put an estimator in front of the classifier of a config.

    Its weights are random. Without a path, the flow is all there is.
    """
    # Without it MMEngine looks for MMAction2's parts in its own registry.
    with DefaultScope.overwrite_default_scope('mmaction'):
        if path is None:
            return FlowOnly(estimator)
        check_input_file(path, f'classifier {path!r}',
                         'name a config of a motion stream, or none')
        model = Config.fromfile(path).to_dict().get('model') or {}
        if model.get('type') != 'UFTSNRecognizer':
            raise ValueError(
                f'classifier {path!r} has the model {model.get("type")!r}, '
                'expected a UFTSNRecognizer; name a config of a motion '
                'stream, or none')
        # The recognizer derives them from clip_len.
        for channels in ('in_channels', 'in_chans'):
            model['backbone'].pop(channels, None)
        # max_testing_views of test_cfg would cut the batch into parts.
        model.update(flow_estimator=estimator, clip_len=clip_len,
                     test_cfg=None, loss_weights=None)
        for loss in ('flow_losses', 'photometric_loss', 'smoothness_loss'):
            model.pop(loss, None)
        return MODELS.build(model)


class Workload:
    """One estimator with all that takes 8-bit clips to predictions."""

    def __init__(self, spec: str, combination: Combination,
                 settings: BenchmarkSettings) -> None:
        self.device = torch.device(combination.device)
        estimator = build_estimator(spec)
        model = build_model(estimator, settings.classifier,
                            combination.clip_len)
        self.model = model.to(self.device).eval()
        self.arithmetic = set_arithmetic(estimator, combination.precision,
                                         combination.layout)
        clips = make_clips(combination.size, combination.clip_len,
                           combination.batch_size)
        self.data = dict(
            inputs=clips, data_samples=[ActionDataSample() for _ in clips])
        self._flow_seconds = 0.
        estimator.register_forward_pre_hook(self._begin_flow)
        estimator.register_forward_hook(self._end_flow)

    @torch.inference_mode()
    def __call__(self) -> Seconds:
        """Run once."""
        self._flow_seconds = 0.
        begin, begin_cpu = self._now(), process_time()
        self.model.test_step(self.data)
        return Seconds(self._now() - begin, self._flow_seconds,
                       process_time() - begin_cpu)

    def _begin_flow(self, *_: object) -> None:
        self._flow_seconds -= self._now()

    def _end_flow(self, *_: object) -> None:
        self._flow_seconds += self._now()

    def _now(self) -> float:
        if self.device.type == 'cuda':
            # A GPU works on after the call that gave it the work.
            torch.cuda.synchronize(self.device)
        return perf_counter()


def make_clips(size: tuple[int, int], clip_len: int,
               batch_size: int) -> list[Tensor]:
    """Render 8-bit RGB clips ``(1, 3, T, H, W)``, the same at every call."""
    # Iterative solvers would stop early on noise or a still picture.
    height, width = size
    # The renderer takes even sizes from 32 up.
    rendered = tuple(max(32, side + side % 2) for side in size)
    # No object leaves a small frame within the clip.
    renderer = MotionRenderer(
        rendered, clip_len, speed=min(2., 0.4 * min(rendered) / clip_len))
    clips = []
    # Four are enough for solvers whose time depends on the content.
    for number in range(min(batch_size, 4)):
        clip = renderer.render(np.random.default_rng(number),
                               number % len(MOTIONS),
                               number % len(APPEARANCES))
        # T x H x W x 3 -> 1 x 3 x T x H x W
        frames = torch.from_numpy(clip.frames[:, :height, :width])
        clips.append(frames.permute(3, 0, 1, 2)[None].contiguous())
    return [clips[i % len(clips)] for i in range(batch_size)]


def set_threads(threads: int) -> None:
    """Set the threads of PyTorch and of OpenCV."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
