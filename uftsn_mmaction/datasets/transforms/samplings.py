# SPDX-License-Identifier: Apache-2.0
"""Several samplings of one video, for streams that need their own."""
from __future__ import annotations

from typing import Any

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform, Compose

from ..broken_video import run_transforms


@TRANSFORMS.register_module()
class Samplings(BaseTransform):
    """Run several pipelines on one opened video.

    ``FusionRecognizer`` gives each stream the sampling that its setting
    ``sampling`` names; streams may share one::

        dict(type='DecordPathInit'),
        dict(type='Samplings', pipelines=dict(
            clips=[dict(type='SampleFrames', clip_len=10, ...), ...],
            dense=[dict(type='SampleFrames', clip_len=32, ...), ...])),
        dict(type='PackActionInputs', collect_keys=('clips', 'dense'))

    Required Keys: those of the pipelines

    Added Keys: the images of each pipeline under its name, and all other
    keys of the first pipeline.

    Args:
        pipelines: Transforms from the sampling of frames to ``FormatShape``,
            by the name of the sampling.

    Raises:
        ValueError: If there is no pipeline, or one has no transforms.
    """

    def __init__(self, pipelines: dict[str, list[dict]]) -> None:
        if not pipelines or not all(pipelines.values()):
            raise ValueError(
                'pipelines of Samplings must name one or more lists of '
                f'transforms, got {pipelines}')
        self.pipelines = {
            name: Compose([TRANSFORMS.build(step) for step in steps])
            for name, steps in pipelines.items()
        }

    def transform(self, results: dict) -> dict[str, Any] | None:
        """Add the images of each sampling.

        Raises:
            ValueError: If the video cannot be decoded, a pipeline leaves no
                images or has the name of another key.
        """
        packed = None
        for name, pipeline in self.pipelines.items():
            # A copy, since decoders remove the video from the results.
            sampled = run_transforms(pipeline.transforms, dict(results))
            if sampled is None:
                return None
            if 'imgs' not in sampled:
                raise ValueError(
                    f'The pipeline {name!r} of Samplings left no images; it '
                    'must sample and decode frames and end with FormatShape')
            images = sampled.pop('imgs')
            if name in sampled:
                raise ValueError(
                    f'A pipeline of Samplings is named {name!r}, which is a '
                    'key of every video; choose another name')
            if packed is None:
                packed = sampled
            packed[name] = images
        return packed

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(pipelines={self.pipelines})'
