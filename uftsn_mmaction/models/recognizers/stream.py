# SPDX-License-Identifier: Apache-2.0
"""Stream of a fusion: any recognizer and the frames that it sees."""
from __future__ import annotations

import copy
import logging
import math
from collections.abc import Sequence

import torch
from mmaction.models import ActionDataPreprocessor, BaseHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import ConfigType
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.logging import print_log
from torch import Tensor, nn

from ...clips import frame_indices
from ...fileio.checkpoint import load_weights
from ...fileio.paths import check_input_file


class Stream(nn.Module):
    """Recognizer with its weights, for prediction.

    Args:
        name: Name of the stream in messages and scores.
        model: Config of the recognizer, or a config file with a ``model``;
            ``'mmaction::recognition/tsn/...py'`` is a file of MMAction2.
        checkpoint: File or URL of its weights; None keeps the initial ones,
            for a checkpoint of the whole fusion to replace.
        weight: Weight in the fusion.
        frames: Position of the frame in the clip that the recognizer sees, or
            several; None for all. A 2D recognizer takes several as segments.
        sampling: Name of its sampling if the pipeline has ``Samplings``.

    """

    def __init__(self,
                 name: str,
                 model: ConfigType | str,
                 checkpoint: str | None = None,
                 weight: float = 1.0,
                 frames: int | Sequence[int] | None = None,
                 sampling: str | None = None) -> None:
        super().__init__()
        if not math.isfinite(weight) or weight < 0:
            raise ValueError(f'weight of stream {name!r} must be 0 or more, '
                             f'got {weight}')
        self.name = name
        self.weight = weight
        self.frames = frames
        self.sampling = sampling
        cfg = _model_config(name, model)
        if cfg.get('test_cfg'):
            # 3D recognizers split the clips of a single video; the fusion
            # itself splits those of several.
            cfg['test_cfg'].pop('max_testing_views', None)
        self.recognizer = MODELS.build(cfg)
        head = getattr(self.recognizer, 'cls_head', None)
        if not isinstance(head, BaseHead):
            raise ValueError(
                f'Stream {name!r} is a {type(self.recognizer).__name__} '
                'without a cls_head that gives class scores; configure one')
        self.num_classes = head.num_classes
        # Probabilities follow from scores, but not the other way round.
        head.average_clips = 'score'
        if checkpoint is None:
            print_log(
                f'The checkpoint of stream {name!r} is None: its weights stay '
                'random unless a checkpoint of the whole fusion is loaded',
                logger='current',
                level=logging.WARNING)
        else:
            load_weights(
                self.recognizer,
                checkpoint,
                f'stream {name!r}',
                'train the stream with this config, or name its file '
                f'(--stream {name}=FILE)',
                allow_unexpected=True)

    def forward(self, views: Tensor) -> Tensor:
        """Compute the class scores of samples.

        Args:
            views: Clips ``(n, 3, T, H, W)`` or images ``(n, 3, H, W)`` as
                decoded.

        Returns:
            Scores before the softmax ``(n, num_classes)``, float32.
        """
        samples = [ActionDataSample() for _ in views]
        data = self.recognizer.data_preprocessor(
            dict(inputs=list(self._layout(views)), data_samples=samples))
        predictions = self.recognizer(**data, mode='predict')
        return torch.stack(
            [sample.pred_score.float().flatten() for sample in predictions])

    def _layout(self, views: Tensor) -> Tensor:
        """Bring samples into the layout of the recognizer's inputs."""
        preprocessor = self.recognizer.data_preprocessor
        takes_images = (
            isinstance(preprocessor, ActionDataPreprocessor)
            and preprocessor.format_shape == 'NCHW')
        if views.dim() == 4:
            if not takes_images:
                raise ValueError(
                    f'Stream {self.name!r} takes clips, but its samples are '
                    f'images {tuple(views.shape[1:])}; set '
                    "FormatShape(input_format='NCTHW') in the pipeline")
            views = views.unsqueeze(2)
        if self.frames is not None:
            kept = frame_indices(self.frames, views.shape[2],
                                 f'frames of stream {self.name!r}')
            views = views[:, :, kept]
        if takes_images:
            # n x 3 x T x H x W -> n x T x 3 x H x W: frames are segments
            return views.transpose(1, 2)
        # n x 3 x T x H x W -> n x 1 x 3 x T x H x W: one clip a sample
        return views.unsqueeze(1)


def _model_config(name: str, model: ConfigType | str) -> ConfigType:
    """Return a copy of the recognizer's config."""
    if not isinstance(model, str):
        return copy.deepcopy(model)
    if '::' in model:
        cfg = get_config(model)
    else:
        check_input_file(
            model, f'model of stream {name!r} is the config {model!r}, which',
            'correct the path, or give the config of the recognizer itself')
        cfg = Config.fromfile(model)
    if 'model' not in cfg:
        raise ValueError(f'model of stream {name!r} is the config {model!r}, '
                         'which has no model; name a config of a recognizer')
    return cfg.model
