# SPDX-License-Identifier: Apache-2.0
"""One stream of a fusion: any recognizer, and what it is shown."""
from __future__ import annotations

import copy
import logging
import math
import os.path as osp
from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import ConfigType
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.logging import print_log
from torch import Tensor, nn

from ...clips import frame_indices
from ...fileio.checkpoint import load_weights


class Stream(nn.Module):
    """A complete recognizer with its weights, for prediction.

    Args:
        name: Name of the stream, for messages and scores.
        model: Config of the recognizer, or a config file whose ``model`` it
            is; ``'mmaction::recognition/tsn/...py'`` is one of MMAction2.
        checkpoint: File or URL of its weights; None leaves them as built,
            for a checkpoint of the whole fusion.
        weight: Weight in the fusion.
        frames: Position in the clip, or several, that the recognizer sees;
            None for all. A 2D recognizer takes several as its segments.
        sampling: Name of its sampling, where the pipeline has ``Samplings``.

    Raises:
        FileNotFoundError: There is no such config file or checkpoint.
        ValueError: The recognizer gives no class scores, the checkpoint does
            not fit, or the weight is below 0.
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
            # 3D recognizers split one video only; here chunks of samples
            # of any number of videos come in.
            cfg['test_cfg'].pop('max_testing_views', None)
        self.recognizer = MODELS.build(cfg)
        head = getattr(self.recognizer, 'cls_head', None)
        if not hasattr(head, 'num_classes'):
            raise ValueError(
                f'Stream {name!r} is a {type(self.recognizer).__name__} '
                'without a cls_head that gives class scores; configure one')
        #: Classes that the recognizer tells apart.
        self.num_classes = head.num_classes
        # Both averages are made from scores; probabilities cannot go back.
        head.average_clips = 'score'
        if checkpoint is None:
            print_log(
                f'The checkpoint of stream {name!r} is None: its weights are '
                'random, unless a checkpoint of the whole fusion is loaded',
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
        """Class scores of samples.

        Args:
            views: Clips ``(n, 3, T, H, W)`` or images ``(n, 3, H, W)`` as
                decoded.

        Returns:
            Scores before the softmax ``(n, num_classes)``, float32.

        Raises:
            ValueError: A frame is asked for that the clips lack, or the
                recognizer takes clips and gets images.
        """
        samples = [ActionDataSample() for _ in views]
        data = self.recognizer.data_preprocessor(
            dict(inputs=list(self._layout(views)), data_samples=samples))
        predictions = self.recognizer(**data, mode='predict')
        return torch.stack(
            [sample.pred_score.float().flatten() for sample in predictions])

    def _layout(self, views: Tensor) -> Tensor:
        """What the recognizer takes as the inputs of a video."""
        preprocessor = self.recognizer.data_preprocessor
        takes_images = getattr(preprocessor, 'format_shape', '') == 'NCHW'
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
    """Config of the recognizer, free to change."""
    if not isinstance(model, str):
        return copy.deepcopy(model)
    if '::' in model:
        cfg = get_config(model)
    elif osp.exists(model):
        cfg = Config.fromfile(model)
    else:
        raise FileNotFoundError(
            f'model of stream {name!r} is {model!r}, but there is no such '
            f'config file (absolute path {osp.abspath(model)!r}); name an '
            'existing one, or write the config of the recognizer itself')
    if 'model' not in cfg:
        raise ValueError(f'model of stream {name!r} is the config {model!r}, '
                         'which has no model; name a recognizer\'s config')
    return cfg.model
