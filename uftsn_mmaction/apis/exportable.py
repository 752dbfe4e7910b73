# SPDX-License-Identifier: Apache-2.0
"""Networks in the form that an exported graph can hold."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.scenes.scene import SceneSampler
from ..datasets.scenes.settings import SceneSettings
from ..datasets.scenes.textures import TexturePool
from ..models.flow import FlowEstimator, UnsupervisedFlowEstimator
from ..models.flow.precision import PLAIN, ArithmeticChoice
from ..models.other_flows.opencv import OpenCVFlowEstimator
from ..models.recognizers import UFTSNRecognizer


class Exportable(nn.Module):
    """Part of a model as an exported file has it.

    Attributes:
        inputs: Name of each input, the arguments of ``forward``.
        output: Name of the output.
        batch: Name of the first dimension, which is never fixed.
        multiple: Height and width may be any multiple of it; None fixes
            those of the example.
    """

    inputs: tuple[str, ...]
    output: str
    batch: str
    multiple: int | None = None

    def example(self, size: Sequence[int], number: int = 2,
                seed: int = 0) -> tuple[tuple[Tensor, ...], np.ndarray]:
        """Render inputs whose motion is known.

        Args:
            size: Height and width, multiples of ``multiple``.
            number: Size of the batch.
            seed: Seed of the scenes.

        Returns:
            The inputs, and their true flow ``(number, 2, H, W)`` in pixels.
        """
        sampler = SceneSampler(size, SceneSettings())
        rng = np.random.default_rng(seed)
        pool = TexturePool(sampler.texture_side, 0, 0.)
        pairs = [sampler.draw(rng, pool) for _ in range(number)]
        frames = torch.from_numpy(np.stack([pair.frames for pair in pairs]))
        # N x 2 x H x W x 3 -> N x 3 x 2 x H x W, in [0, 1]
        clips = frames.permute(0, 4, 1, 2, 3).float() / 255
        return self._arrange(clips), np.stack([pair.flow[0] for pair in pairs])

    def _arrange(self, pairs: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError


class ExportableFlow(Exportable):
    """Flow ``(N, 2, H, W)`` of pairs of frames ``(N, 3, H, W)`` in [0, 1].

    Args:
        estimator: Estimator with level 0.
        name: Its name, for messages.

    Raises:
        ValueError: If it is a solver of OpenCV, or takes no frames.
    """

    inputs = ('first', 'second')
    output = 'flow'
    batch = 'pairs'

    def __init__(self, estimator: FlowEstimator, name: str) -> None:
        super().__init__()
        check_is_network(estimator, name)
        self.estimator = estimator.eval().requires_grad_(False)
        compute_plainly(estimator)
        inner = _innermost(estimator)
        # Other estimators build their pyramids by rounded sizes.
        self.multiple = getattr(inner, 'coarsest_stride', None)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        clips = torch.stack((first, second), dim=2)
        return self.estimator.estimate_levels(clips)[0][:, :, 0]

    def _arrange(self, pairs: Tensor) -> tuple[Tensor, ...]:
        return pairs[:, :, 0].contiguous(), pairs[:, :, 1].contiguous()


class ExportableMotionStream(Exportable):
    """Class scores ``(N, num_classes)`` of clips ``(N, 3, T, H, W)``.

    The scores are those before the softmax; clips are RGB in [0, 1]. The
    mean over the clips of a video is the score of ``UFTSNRecognizer``.

    Args:
        recognizer: Motion stream.
        name: Its name, for messages.

    Raises:
        ValueError: If the model is none, or its flow cannot be exported.
    """

    inputs = ('clips', )
    output = 'scores'
    batch = 'clips'

    def __init__(self, recognizer: nn.Module, name: str) -> None:
        super().__init__()
        if not isinstance(recognizer, UFTSNRecognizer):
            raise ValueError(
                f'{name} has a model {type(recognizer).__name__}, but only a '
                'motion stream (UFTSNRecognizer) can be exported; name its '
                'own config and checkpoint')
        check_is_network(recognizer.flow_estimator, name)
        self.recognizer = recognizer.eval().requires_grad_(False)
        compute_plainly(recognizer)
        # The size of a batch stays open.
        self.recognizer.max_testing_views = None

    def forward(self, clips: Tensor) -> Tensor:
        features, arguments = self.recognizer.extract_feat(
            clips[:, None], test_mode=True)
        return self.recognizer.cls_head(features, **arguments)

    def _arrange(self, pairs: Tensor) -> tuple[Tensor, ...]:
        # There and back again.
        order = [time % 2 for time in range(self.recognizer.clip_len)]
        return pairs[:, :, order].contiguous(),


def check_is_network(estimator: FlowEstimator, name: str) -> None:
    """Refuse an estimator that no graph of PyTorch describes.

    Raises:
        ValueError: If it is a solver of OpenCV, or hands on cached flow.
    """
    inner = _innermost(estimator)
    if isinstance(inner, OpenCVFlowEstimator):
        raise ValueError(
            f'{name} is a solver of OpenCV ({type(inner).__name__}), which '
            'no exported file can hold; export a network such as uftsn_plus, '
            'or call OpenCV where the file would run')
    if inner.clip_shape(2) != (3, 2):
        raise ValueError(
            f'{name} takes its flow from {type(inner).__name__} instead of '
            'frames, so there is nothing to export; name a network such as '
            'uftsn_plus')


def compute_plainly(model: nn.Module) -> None:
    """Let all estimators compute in float32, as an exported file does."""
    for part in model.modules():
        if isinstance(part, UnsupervisedFlowEstimator):
            part.arithmetic = ArithmeticChoice(*PLAIN)


def _innermost(estimator: FlowEstimator) -> FlowEstimator:
    """Return what a refinement wraps."""
    while hasattr(estimator, 'flow_estimator'):
        estimator = estimator.flow_estimator
    return estimator
