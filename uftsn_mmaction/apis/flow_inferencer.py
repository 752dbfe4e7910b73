# SPDX-License-Identifier: Apache-2.0
"""Flow of videos and clips in two lines."""
from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log

from ..fileio.video_reader import Frame
from ..models.flow import FlowEstimator
from ..models.flow_zoo import EstimatorSpec
from .background import ahead
from .clip_arrays import array_of_flow, clips_of_arrays
from .find_sources import find_sources, is_single
from .source import Source
from .windows import Window, split_windows

#: The flow in the box, and iterations that find what is small in the frame.
DEFAULT = 'uftsn_plus+refined'


class PairFlow(NamedTuple):
    """The flow of one pair of frames.

    Attributes:
        index: Number of the pair, from 0.
        first, second: The frames.
        flow: From the first to the second frame ``(2, H, W)``, u (right) and
            v (down) in pixels, float32.
        reverse_flow: From the second to the first one, if asked for.
    """
    index: int
    first: Frame
    second: Frame
    flow: np.ndarray
    reverse_flow: np.ndarray | None = None


class FlowInferencer(BaseInferencer):
    """Estimate the flow between the frames of videos and clips.

    Args:
        model: Estimator as command lines name it, see
            :class:`~uftsn_mmaction.models.flow_zoo.EstimatorSpec`:
            ``'uftsn_plus+refined'`` (the default, with the weights in the
            box), ``'uftsn_plus'`` (faster), ``'dis'``,
            ``'tvl1+refined'``, ``'CONFIG.py:CHECKPOINT'``, ... Or its config,
            or an estimator.
        weights: Checkpoint of the estimator or of a recognizer that has it.
        device: Device; the fastest one there is by default.
        show_progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If a config or checkpoint does not exist.
        ValueError: If the estimator is unknown.

    Examples:
        >>> frames = np.zeros((3, 48, 50, 3), np.uint8)
        >>> flow = FlowInferencer('uftsn_plus')(frames)
        >>> flow.shape, flow.dtype  # 2 pairs, u and v, height, width
        ((2, 2, 48, 50), dtype('float32'))
    """

    preprocess_kwargs = {'stride', 'size'}

    def __init__(self,
                 model: str | Mapping[str, Any] | FlowEstimator = DEFAULT,
                 weights: str | None = None,
                 device: str | torch.device | None = None,
                 show_progress: bool = False) -> None:
        self._given = model
        super().__init__(
            ConfigDict(), weights, device, 'mmaction', show_progress)

    def __call__(self,
                 inputs: Any,
                 batch_size: int = 8,
                 stride: int = 1,
                 size: int | None = None) -> np.ndarray | list[np.ndarray]:
        """Return the flow of all pairs of consecutive frames.

        Args:
            inputs: One or more, as :func:`.find_sources.find_sources` takes.
            batch_size: Pairs that are estimated at a time, fewer of large
                frames.
            stride: Frames from the first to the second frame of a pair, and
                from pair to pair.
            size: Shorter side in pixels to which frames are brought; None
                for their own size.

        Returns:
            Flow ``(T-1, 2, H, W)``, u (right) and v (down) in pixels,
            float32; a list of them for several inputs. That of a long video
            may not fit into memory: see :meth:`stream`.

        Raises:
            OSError, ValueError: If an input cannot be read, or has one frame.
        """
        flows = super().__call__(
            inputs, batch_size=batch_size, stride=stride, size=size)
        return flows[0] if is_single(inputs) else flows

    def stream(self,
               source: Any,
               batch_size: int = 8,
               stride: int = 1,
               size: int | None = None,
               start: int = 0,
               both: bool = False) -> Iterator[PairFlow]:
        """Yield the flow pair by pair, of a source of any length.

        Args:
            source: A single video, camera or clip.
            batch_size, stride, size: As in the call. A camera shows its flow
                at once with a ``batch_size`` of 1.
            start: Number of the first pair.
            both: Whether the reverse flow is estimated, too.

        Raises:
            OSError, ValueError: If it is several sources, or cannot be read.

        Examples:
            >>> pairs = FlowInferencer().stream(np.zeros((3, 48, 50, 3), 'u1'))
            >>> [pair.index for pair in pairs]
            [0, 1]
        """
        sources = self._inputs_to_list(source)
        if len(sources) != 1:
            raise ValueError(f'stream takes one video or clip, got '
                             f'{len(sources)}; call it for each')
        for window in self.preprocess(
                sources, batch_size, stride, size, start):
            flows = self.flow_of(window)
            reverse = (self.flow_of(window, backward=True) if both else
                       [None] * len(flows))
            for number, (flow, back) in enumerate(zip(flows, reverse)):
                yield PairFlow(window.first + number,
                               *window.frames[number:number + 2], flow, back)

    def preprocess(self,
                   inputs: Sequence[Source],
                   batch_size: int = 1,
                   stride: int = 1,
                   size: int | None = None,
                   start: int = 0) -> Iterator[Window]:
        """Yield windows that overlap by one frame."""
        for setting, value in (('batch_size', batch_size), ('stride', stride),
                               ('size', 1 if size is None else size)):
            if value < 1:
                raise ValueError(f'{setting} must be 1 or more, got {value}')
        for number, source in enumerate(inputs):
            yield from ahead(split_windows(
                number, source, source.frames(stride, size, start), start,
                batch_size))

    def forward(self, inputs: Window) -> list[tuple[int, np.ndarray]]:
        """Return the flow of each pair with the number of its source."""
        return [(inputs.source, flow) for flow in self.flow_of(inputs)]

    def flow_of(self, window: Window, backward: bool = False) -> np.ndarray:
        """Return the flow ``(T-1, 2, H, W)`` of the frames of a window."""
        return self._flow_of_clips([_images(window)], backward)

    def flows_of(self, windows: Sequence[Window]) -> list[np.ndarray]:
        """Return the flow of windows of one size, estimated together."""
        if len(windows) == 1:
            return [self.flow_of(windows[0])]
        images = [_images(window) for window in windows]
        pairs = [each[number:number + 2] for each in images
                 for number in range(len(each) - 1)]
        ends = np.cumsum([len(each) - 1 for each in images])
        return np.split(self._flow_of_clips(pairs), ends[:-1])

    @torch.no_grad()
    def _flow_of_clips(self, clips: Sequence[np.ndarray],
                       backward: bool = False) -> np.ndarray:
        """Return the flow ``(N*(T-1), 2, H, W)`` of ``(T, H, W, 3)`` each."""
        frames = clips_of_arrays(clips, self.device)
        flow = self.model.levels(frames, backward)[0]
        expected = (len(clips), 2, frames.shape[2] - 1, *frames.shape[-2:])
        if flow.shape != expected:
            raise ValueError(
                f'{type(self.model).__name__} gives a flow '
                f'{tuple(flow.shape)} of clips, expected {expected}; let '
                'out_indices begin with 0')
        return array_of_flow(flow, clips[0].shape[1:3])

    def visualize(self, *args: Any, **kwargs: Any) -> None:
        """Draw nothing: ``visualization.flow_to_color`` paints a flow."""

    def postprocess(self, preds: Sequence[tuple[int, np.ndarray]],
                    *args: Any) -> list[np.ndarray]:
        """Join the flow of each source."""
        return [np.stack([flow for _, flow in pairs])
                for _, pairs in groupby(preds, key=itemgetter(0))]

    def _inputs_to_list(self, inputs: Any) -> list[Source]:
        return find_sources(inputs)

    def _init_model(self, cfg: ConfigDict, weights: str | None,
                    device: str) -> FlowEstimator:
        self.device = torch.device(device)
        model = build_estimator(self._given, weights)
        if model.has_random_weights:
            print_log(
                f'The estimator {self._given!r} has random weights, and its '
                'flow means nothing; name a checkpoint, as in '
                "'NAME:CHECKPOINT', or take 'uftsn_plus'",
                level=logging.WARNING)
        return model.to(self.device).eval()

    def _init_pipeline(self, cfg: ConfigDict) -> None:
        """Leave the frames to :meth:`preprocess`."""


def _images(window: Window) -> np.ndarray:
    return np.stack([frame.image for frame in window.frames])


def build_estimator(given: str | Mapping[str, Any] | FlowEstimator,
                    weights: str | None = None) -> FlowEstimator:
    """Build what :class:`FlowInferencer` is given."""
    if isinstance(given, FlowEstimator):
        if weights is not None:
            raise ValueError('weights of an estimator that is already built '
                             f'cannot be set, got {weights!r}; load them '
                             'before, or give its config')
        return given
    spec = (EstimatorSpec.parse(given) if isinstance(given, str) else
            EstimatorSpec(str(given.get('type')), given))
    return replace(spec, checkpoint=weights or spec.checkpoint).build()
