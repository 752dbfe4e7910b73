# SPDX-License-Identifier: Apache-2.0
"""Classes of actions along a video, of each stream and of the fusion."""
from __future__ import annotations

import copy
import os.path as osp
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope

from ..fileio.checkpoint import load_weights
from ..fileio.paths import check_input_file
from ..fileio.text_list import read_lines
from ..fileio.video_reader import Frame
from ..models.recognizers import FusionRecognizer
from .find_sources import find_sources, is_single

# What needs a file or a label, and serves metrics alone.
_LEFT_OUT = ('LoadGroundTruthFlow', )
#: Name of the scores of a model that is no fusion.
SINGLE = 'model'


class Moment(NamedTuple):
    """Class probabilities at one time of a video.

    Attributes:
        time: Seconds; the last frame that was looked at.
        probabilities: Of each class ``(num_classes, )``, by stream. A fusion
            has ``fusion`` beside its streams, another model ``model`` alone.
    """
    time: float
    probabilities: dict[str, np.ndarray]


class ActionInferencer(BaseInferencer):
    """Recognize actions along videos of any length.

    The model looks at the last seconds again and again, through the test
    pipeline of its config.

    Args:
        model: Config file of any recognizer, or of a fusion.
        weights: Checkpoint; a fusion has those of its streams in the config.
        classes: File with a class name in each line; by default
            ``classes.txt`` beside the list of the test set, if it is there.
        device: Device; the fastest one there is by default.
        num_clips: Clips that are taken from the last seconds.
        window: Seconds that the model looks at.
        step: Seconds from one look to the next.

    Attributes:
        classes: Name of each class.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If the checkpoint is missing or does not fit, or the
            number of classes is another one.
    """

    def __init__(self,
                 model: str,
                 weights: str | None = None,
                 classes: str | None = None,
                 device: str | torch.device | None = None,
                 num_clips: int = 2,
                 window: float = 2.,
                 step: float = 0.5) -> None:
        check_input_file(model, f'CONFIG {model!r}')
        for name, value in (('num_clips', num_clips), ('window', window),
                            ('step', step)):
            if value <= 0:
                raise ValueError(f'{name} must be above 0, got {value}')
        self._num_clips = num_clips
        self.window = window
        self.step = step
        init_default_scope('mmaction')
        super().__init__(model, weights, device, 'mmaction', False)
        self.classes = self._class_names(classes)

    def __call__(self, inputs: Any) -> list[Moment] | list[list[Moment]]:
        """Return what is seen along a video, or along each of several.

        Args:
            inputs: As of :class:`FlowInferencer`.
        """
        found = [[moment for _, moment in self.stream(
            source.frames(), source.rate) if moment is not None]
            for source in find_sources(inputs)]  # yapf: disable
        return found[0] if is_single(inputs) else found

    def stream(self, frames: Iterable[Frame],
               rate: float) -> Iterator[tuple[Frame, Moment | None]]:
        """Yield each frame, and a moment at those where the model looked.

        Args:
            frames: Frames of one video, one at a time.
            rate: Frames per second.
        """
        recent: deque[Frame] = deque(
            maxlen=max(self.span, round(self.window * rate)))
        pause = max(1, round(self.step * rate))
        looked, last = False, None
        for number, frame in enumerate(frames):
            if last is not None:
                yield last, None
            last = frame
            recent.append(frame)
            if len(recent) >= self.span and (
                    number - self.span + 1) % pause == 0:
                looked, last = True, None
                yield frame, self.look(recent)
        if last is not None:
            # A video that is shorter than a clip is seen once, as it is.
            yield last, None if looked else self.look(recent)

    @torch.no_grad()
    def look(self, frames: Iterable[Frame]) -> Moment:
        """Return what the model sees in frames."""
        frames = list(frames)
        data = self.pipeline(dict(
            array=np.stack([frame.image for frame in frames]),
            total_frames=len(frames), start_index=0, modality='RGB',
            filename=''))
        sample, = self.model.test_step(self.collate_fn([data]))
        scores = sample.pred_score
        if not isinstance(scores, Mapping):
            scores = {SINGLE: scores}
        average = getattr(self.model, 'average', 'prob')
        return Moment(frames[-1].time, {
            name: (values.softmax(0) if average == 'score' else
                   values).float().cpu().numpy()
            for name, values in scores.items()
            if name not in ('fusion_score', 'fusion_prob')})

    def _init_model(self, cfg: Config, weights: str | None,
                    device: str) -> torch.nn.Module:
        if 'model' not in cfg:
            raise ValueError(f'CONFIG {cfg.filename!r} has no model; name the '
                             'config of an experiment')
        settings = copy.deepcopy(cfg.model)
        if weights is not None:
            for stream in settings.get('streams', {}).values():
                stream.checkpoint = None
        elif 'streams' not in settings:
            raise ValueError(f'CONFIG {cfg.filename!r} is of a single model, '
                             'whose weights would be random; name its '
                             'CHECKPOINT, too')
        model = MODELS.build(settings)
        if isinstance(model, FusionRecognizer):
            model.per_stream = True
        elif getattr(model, 'cls_head', None) is not None:
            model.cls_head.average_clips = 'prob'
        else:
            raise ValueError(f'CONFIG {cfg.filename!r} has a model '
                             f'{type(model).__name__} without a cls_head, '
                             'which knows no classes; name a recognizer')
        if weights is not None:
            load_weights(model, weights, 'CHECKPOINT', allow_unexpected=True)
        return model.to(device).eval()

    def pipeline_of_frames(self) -> Compose:
        """Return the pipeline for single frames, for :class:`FlowStream`."""
        steps = self._steps(self.cfg)
        for step in steps:
            if 'num_clips' in step:
                step.update(clip_len=1, frame_interval=1, num_clips=1)
        return Compose([TRANSFORMS.build(step) for step in steps])

    def _init_pipeline(self, cfg: Config) -> Compose:
        """Take frames from memory instead of a file, and fewer clips."""
        self.span = 1
        return Compose([TRANSFORMS.build(step) for step in self._steps(cfg)])

    def _steps(self, cfg: Config) -> list[dict]:
        return self._from_memory(
            copy.deepcopy(cfg.test_dataloader.dataset.pipeline))

    def _from_memory(self, steps: list[dict]) -> list[dict]:
        kept = []
        for step in steps:
            kind = step['type'].rpartition('.')[2]
            if kind.endswith('Init') or kind in _LEFT_OUT:
                continue
            if kind.endswith('Decode'):
                step = dict(type='ArrayDecode')
            elif kind in ('ThreeCrop', 'TenCrop'):
                step['type'] = 'CenterCrop'
            elif 'pipelines' in step:
                step['pipelines'] = {
                    name: self._from_memory(branch)
                    for name, branch in step['pipelines'].items()}
            elif 'num_clips' in step or kind == 'SampleFrames':
                step['num_clips'] = min(
                    step.get('num_clips', 1), self._num_clips)
                self.span = max(self.span, step.get('clip_len', 1)
                                * step.get('frame_interval', 1))
            kept.append(step)
        return kept

    def _class_names(self, path: str | None) -> list[str]:
        head = getattr(self.model, 'cls_head', self.model)
        number = head.num_classes
        if path is None:
            lists = self.cfg.test_dataloader.dataset.get('ann_file') or ''
            path = osp.join(osp.dirname(lists), 'classes.txt')
            if not lists or not osp.isfile(path):
                return [f'class {label}' for label in range(number)]
        names = [line for _, line in read_lines(path, 'the list of classes')]
        if len(names) != number:
            raise ValueError(f'the list of classes {path!r} has {len(names)} '
                             f'names, but the model {number} classes; give '
                             'the list of the training')
        return names

    def _init_visualizer(self, cfg: Config) -> None:
        """Build none, since nothing is drawn here."""

    def visualize(self, *args: Any, **kwargs: Any) -> None:
        """Draw nothing: ``tools/predict.py`` does."""

    def postprocess(self, preds: Any, *args: Any) -> Any:
        """Change nothing."""
        return preds


def mean_probabilities(moments: Iterable[Moment]) -> dict[str, np.ndarray]:
    """Return the mean over time of the probabilities of each stream."""
    moments = list(moments)
    return {name: np.mean([moment.probabilities[name] for moment in moments],
                          axis=0) for name in moments[0].probabilities}


