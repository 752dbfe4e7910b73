# SPDX-License-Identifier: Apache-2.0
"""Flow and classes of a live or endless video, frame by frame."""
from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from ..models.flow import FlowEstimator
from ..models.recognizers import UFTSNRecognizer
from .action_inferencer import ActionInferencer
from .clip_arrays import array_of_flow, clips_of_arrays
from .flow_inferencer import DEFAULT, FlowInferencer


class FlowStep(NamedTuple):
    """Flow and classes after a frame of a stream.

    Attributes:
        index: Number of the frame, from 0.
        flow: From the frame ``stride`` frames before to this one
            ``(2, H, W)``, u (right) and v (down) in pixels, float32; None
            where there is no such frame yet.
        probabilities: Of each class ``(num_classes, )``; None without a
            recognizer, or where it was not asked.
    """
    index: int
    flow: np.ndarray | None
    probabilities: np.ndarray | None


class FlowStream:
    """Estimate the flow of a video, and its classes, frame by frame.

    The result is that of :class:`FlowInferencer`, and of the recognizer for
    the last clip. Each frame goes through the feature pyramid once, and each
    flow is estimated once, however many clips it is part of. The memory does
    not grow with the video: what is kept are the features of the last frames
    and the flows of the last clip.

    Args:
        model: Estimator as of :class:`FlowInferencer`, or an inferencer that
            is built already. That of a motion stream, an
            :class:`ActionInferencer`, gives the classes as well; frames then
            pass through the pipeline of its config, whose size the flow has.
        weights: Checkpoint of an estimator that is built here.
        device: Device of it; the fastest one there is by default.
        stride: Frames from the first to the second frame of a pair; by
            default 1, or the ``frame_interval`` of the motion stream.
        predict_every: Frames from one prediction to the next.

    Raises:
        FileNotFoundError: If a config or checkpoint does not exist.
        TypeError: If an inferencer is of another model than a motion stream.
        ValueError: If the estimator is unknown, takes no frames or gives a
            coarse flow, or a number is below 1.

    Examples:
        >>> stream = FlowStream('uftsn_plus')
        >>> for frame in np.zeros((3, 48, 50, 3), np.uint8):
        ...     step = stream.push(frame)
        >>> step.index, step.flow.shape
        (2, (2, 48, 50))
    """

    def __init__(self,
                 model: (str | Mapping[str, Any] | FlowEstimator
                         | FlowInferencer | ActionInferencer) = DEFAULT,
                 weights: str | None = None,
                 device: str | torch.device | None = None,
                 stride: int | None = None,
                 predict_every: int = 1) -> None:
        if not isinstance(model, (FlowInferencer, ActionInferencer)):
            model = FlowInferencer(model, weights, device)
        self._actions = model if isinstance(model, ActionInferencer) else None
        if self._actions is None:
            self._device = model.device
            self._estimator = model.model
            interval = 1
        else:
            recognizer = _motion_stream(model)
            self._pipeline = model.pipeline_of_frames()
            self._estimator = recognizer.flow_estimator
            interval = model.span // recognizer.clip_len
        self.stride = interval if stride is None else stride
        self.predict_every = predict_every
        for name, value in (('stride', self.stride),
                            ('predict_every', predict_every)):
            if value < 1:
                raise ValueError(f'{name} must be 1 or more, got {value}')
        _check_estimator(self._estimator)
        kept = 0
        if self._actions is not None:
            kept = (recognizer.clip_len - 2) * self.stride + 1
        self._frames: deque[Any] = deque(maxlen=self.stride)
        self._flows: deque[Tensor] = deque(maxlen=kept)
        self.reset()

    def reset(self) -> None:
        """Forget all frames, as before another video."""
        self._frames.clear()
        self._flows.clear()
        self._size: tuple[int, ...] | None = None
        self._index = -1

    @torch.no_grad()
    def push(self, image: np.ndarray) -> FlowStep:
        """Take the next frame, and return what is known then.

        Args:
            image: 8-bit RGB ``(H, W, 3)``.

        Raises:
            ValueError: If it is no such frame, or has another size than those
                before.
        """
        self._check_image(image)
        frame, size = self._prepare(image)
        if self._size is None:
            # Of two frames, as an estimator expects.
            self._estimator.check_clip(frame.expand(-1, -1, 2, -1, -1))
            self._size = image.shape
        self._index += 1
        encoded = self._estimator.encode_frame(frame)
        flow = probabilities = None
        if len(self._frames) == self.stride:
            level = self._estimator.flow_between(self._frames[0], encoded)[0]
            flow = array_of_flow(level, size)[0]
            self._flows.append(level)
            probabilities = self._predict()
        self._frames.append(encoded)
        return FlowStep(self._index, flow, probabilities)

    def _check_image(self, image: np.ndarray) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                'a frame of FlowStream must be 8-bit RGB (H, W, 3), got '
                f'{image.dtype} {image.shape}; convert it before')
        if self._size not in (None, image.shape):
            raise ValueError(
                f'the frames of a stream change from {self._size} to '
                f'{image.shape}; bring them to one size, or call reset() '
                'before another video')

    def _prepare(self, image: np.ndarray) -> tuple[Tensor, tuple[int, ...]]:
        """Return a clip of one frame, and the size that its flow shall have.

        The clip is ``(1, 3, 1, H, W)``.
        """
        if self._actions is None:
            clip = clips_of_arrays([image[None]], self._device)
            return clip, image.shape[:2]
        data = self._pipeline(dict(
            array=image[None], total_frames=1, start_index=0, modality='RGB',
            filename=''))
        model = self._actions.model
        batch = model.data_preprocessor(self._actions.collate_fn([data]))
        clip = batch['inputs'].flatten(0, 1)
        return clip, clip.shape[-2:]

    def _predict(self) -> np.ndarray | None:
        """Classify the last clip, if it is full and its turn."""
        full = self._flows.maxlen
        if not full or len(self._flows) < full:
            return None
        first = self.stride + full - 1
        if (self._index - first) % self.predict_every:
            return None
        # 1 x 2 x (T-1) x H x W
        flow = torch.cat(list(self._flows)[::self.stride], dim=2)
        sample, = self._actions.model.predict_flow(flow, [ActionDataSample()])
        return sample.pred_score.float().cpu().numpy()


def _motion_stream(inferencer: ActionInferencer) -> UFTSNRecognizer:
    if not isinstance(inferencer.model, UFTSNRecognizer):
        raise TypeError(
            'FlowStream takes an ActionInferencer of a UFTSNRecognizer, got '
            f'that of a {type(inferencer.model).__name__}; name the config of '
            'a motion stream, or call ActionInferencer.stream')
    return inferencer.model


def _check_estimator(estimator: FlowEstimator) -> None:
    name = type(estimator).__name__
    if estimator.clip_shape(2) != (3, 2):
        raise ValueError(f'FlowStream needs an estimator of frames, but '
                         f'{name} takes none; name another one')
    if estimator.out_indices[0] != 0:
        raise ValueError(
            f'out_indices of {name} must begin with 0 for FlowStream, got '
            f'{estimator.out_indices}; add the level of the frame')
