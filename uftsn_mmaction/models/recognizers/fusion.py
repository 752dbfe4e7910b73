# SPDX-License-Identifier: Apache-2.0
"""Average fusion of streams by the test protocol of sec. 3.2."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, SampleList
from mmengine.model import BaseModel
from torch import Tensor, nn

from ...scores.score_fusion import weighted_mean
from .stream import Stream

#: What is averaged: class scores before the softmax, or probabilities.
AVERAGES = ('score', 'prob')

Clips = Sequence[Tensor] | Mapping[str, Sequence[Tensor]]


@MODELS.register_module()
class FusionRecognizer(BaseModel):
    """Average of the predictions of several recognizers.

    Each stream sees M samples of a video. Its class scores are averaged over
    the samples, then over the streams with their weights (sec. 3.2). The
    default averages class scores before the softmax, as CoViAR (Wu et al.,
    2018) does; ``average='prob'`` averages probabilities, which gives an
    over-confident stream more weight.

    The model is for prediction only; each stream is trained on its own,
    with its own config.

    Args:
        streams: Arguments of each :class:`Stream` by name: ``model`` (config
            or config file of any recognizer), ``checkpoint``, ``weight``,
            ``frames``, ``sampling``.
        average: Values to average, ``'score'`` or ``'prob'``.
        test_cfg: ``max_testing_views`` limits the samples that a stream takes
            at a time, and so the memory; 8 by default, None for all.
        data_preprocessor: Moves the frames to the device. Anything else is up
            to the data preprocessor of each stream.

    Attributes:
        num_classes: Number of classes, the same for all streams.
        per_stream: Whether ``pred_score`` is a dict with the scores of each
            stream, for metrics, or a tensor, for MMAction2's inferencers.

    Raises:
        ValueError: If a setting is out of range, or the streams have
            different numbers of classes.
    """

    def __init__(self,
                 streams: Mapping[str, ConfigType],
                 average: str = 'score',
                 test_cfg: OptConfigType = None,
                 data_preprocessor: OptConfigType = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        if average not in AVERAGES:
            raise ValueError('average of FusionRecognizer must be one of '
                             f'{AVERAGES}, got {average!r}')
        if not streams:
            raise ValueError('streams of FusionRecognizer must name one '
                             'stream or more, got none')
        reserved = {'fusion', *(f'fusion_{name}' for name in AVERAGES)}
        for name in streams:
            if (name in reserved or not name.isidentifier()
                    or hasattr(nn.ModuleDict(), name)):
                raise ValueError(
                    f'{name!r} cannot be the name of a stream; use letters '
                    f'and digits, and avoid {sorted(reserved)} and the '
                    'attributes of ModuleDict')
        self.average = average
        self.test_cfg = dict(max_testing_views=8) | dict(test_cfg or {})
        views = self.test_cfg['max_testing_views']
        if views is not None and views < 1:
            raise ValueError(
                'test_cfg.max_testing_views of FusionRecognizer must be 1 or '
                f'more, or None for all, got {views}')
        self.streams = nn.ModuleDict(
            {name: Stream(name, **cfg)
             for name, cfg in streams.items()})
        if not any(stream.weight for stream in self.streams.values()):
            raise ValueError('weight must be above 0 for at least one stream, '
                             'but is 0 for all')
        classes = {name: s.num_classes for name, s in self.streams.items()}
        self.num_classes, *others = set(classes.values())
        if others:
            raise ValueError(
                'The streams of a fusion must have the same classes, but '
                f'num_classes of their heads are {classes}; fuse models of '
                'one data set')
        self.per_stream = False

    def forward(self,
                inputs: Clips,
                data_samples: SampleList | None = None,
                mode: str = 'tensor') -> SampleList | Tensor:
        """Predict samples, or return the fused scores.

        Args:
            inputs: Frames of each video as decoded, ``(M, 3, T, H, W)`` or
                ``(M, 3, H, W)``; with ``Samplings`` one list per sampling.
            data_samples: Samples to fill.
            mode: ``'predict'``, or ``'tensor'`` for the fused scores alone.

        Raises:
            NotImplementedError: If ``mode`` is ``'loss'``.
            ValueError: If the sampling or a frame of a stream is missing, or
                a label is not one of the classes.
        """
        if mode == 'tensor':
            return self._scores(inputs)['fusion']
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise NotImplementedError(
            f'FusionRecognizer has no mode {mode!r}; train each stream with '
            'its own config, and fuse them for testing')

    def predict(self, inputs: Clips, data_samples: SampleList) -> SampleList:
        """Set ``pred_score`` and ``pred_label`` of each sample.

        ``pred_score`` is the fused average ``(num_classes, )``; with
        ``per_stream`` a dict of each stream, ``fusion``, and the fusion by
        the other average as ``fusion_prob`` or ``fusion_score``.
        """
        self._check_labels(data_samples)
        scores = self._scores(inputs)
        for index, sample in enumerate(data_samples):
            # A view would be dumped together with the whole batch.
            found = {name: s[index].clone() for name, s in scores.items()}
            fused = found['fusion']
            # set_pred_score would set num_classes to the number of streams.
            sample.set_field(found if self.per_stream else fused, 'pred_score')
            sample.set_pred_label(fused.argmax(dim=0, keepdim=True))
        return data_samples

    def _scores(self, inputs: Clips) -> dict[str, Tensor]:
        """Average each stream and all of them, ``(B, num_classes)``."""
        means = {
            name: self._average_samples(stream, self._clips(stream, inputs))
            for name, stream in self.streams.items()
        }
        weights = [stream.weight for stream in self.streams.values()]
        fused = {
            kind: weighted_mean([mean[kind] for mean in means.values()],
                                weights)
            for kind in AVERAGES
        }
        other, = (kind for kind in AVERAGES if kind != self.average)
        return {
            **{name: mean[self.average]
               for name, mean in means.items()},
            'fusion': fused[self.average],
            f'fusion_{other}': fused[other],
        }

    def _average_samples(self, stream: Stream,
                         clips: Sequence[Tensor]) -> dict[str, Tensor]:
        """Average scores and probabilities over the samples of a video."""
        counts = [len(clip) for clip in clips]
        if len({clip.shape[1:] for clip in clips}) == 1:
            clips = [torch.cat(list(clips))]
        views = self.test_cfg['max_testing_views']
        scores = torch.cat([
            stream(chunk) for clip in clips
            for chunk in (clip.split(views) if views else [clip])
        ])
        return {
            average: torch.stack(
                [video.mean(dim=0) for video in values.split(counts)])
            for average, values in (('score', scores),
                                    ('prob', scores.softmax(dim=1)))
        }

    @staticmethod
    def _clips(stream: Stream, inputs: Clips) -> Sequence[Tensor]:
        """Select the clips of a stream's sampling."""
        if isinstance(inputs, Mapping) and stream.sampling in inputs:
            return inputs[stream.sampling]
        if not isinstance(inputs, Mapping) and stream.sampling is None:
            return inputs
        names = (f'the samplings {sorted(inputs)}' if isinstance(
            inputs, Mapping) else 'a single sampling without a name')
        raise ValueError(
            f'sampling of stream {stream.name!r} is {stream.sampling!r}, but '
            f'the pipeline gives {names}; correct it, or Samplings and '
            'collect_keys of PackActionInputs')

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor],
                              prefix: str, *args: Any) -> None:
        """Refuse partial checkpoints, where stock loaders only warn."""
        names = list(self.streams.state_dict(prefix=f'{prefix}streams.'))
        missing = [name for name in names if name not in state_dict]
        if missing:
            raise ValueError(
                f'The checkpoint lacks {len(missing)} of {len(names)} tensors '
                f'of the streams of a fusion, first {missing[0]!r}; give one '
                'that `tools/test.py --export` wrote, or the checkpoint of '
                'each stream by --stream NAME=FILE')
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _check_labels(self, data_samples: SampleList) -> None:
        for sample in data_samples:
            label = sample.get('gt_label')
            if label is None or label.numel() != 1:
                continue
            # Inferencers label a video -1; a metric would count an error.
            lowest = 0 if self.per_stream else -1
            if not lowest <= label.item() < self.num_classes:
                raise ValueError(
                    f'A video has label {label.item()}, but the streams have '
                    f'{self.num_classes} classes (0 to '
                    f'{self.num_classes - 1}); correct the list, or '
                    'num_classes of the streams')
