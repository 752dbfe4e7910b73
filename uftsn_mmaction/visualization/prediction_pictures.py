# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a test predicts."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.dist import get_rank, get_world_size
from mmengine.fileio import put
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from .figure import figure_to_png
from .flow_panel import flow_panel


@HOOKS.register_module()
class PredictionPicturesHook(Hook):
    """Draw samples of a test: a frame, its flow, and the classes.

    MMAction2's own ``VisualizationHook`` takes a sample for one clip and
    fails where it has several. This one draws the first frame of the first
    clip, beside it the flow if the model returns it as ``pred_flow``.

    Args:
        enable: Whether to draw at all.
        out_dir: Folder of the pictures, named after number and video.
        interval: Draw every n-th sample.
        show, wait_time: Taken for the sake of MMAction2's script; a window
            cannot be shown.
    """

    def __init__(self,
                 enable: bool = False,
                 out_dir: str | None = None,
                 interval: int = 1,
                 show: bool = False,
                 wait_time: float = 2) -> None:
        if show:
            raise ValueError(
                'PredictionPicturesHook draws files and cannot show a '
                'window; give --show-dir DIR instead of --show')
        if interval < 1:
            raise ValueError(f'--interval is {interval}, expected 1 or more')
        self.out_dir = out_dir if enable else None
        self.interval = interval

    def before_test(self, runner: Runner) -> None:
        """Count from the first sample of this process."""
        self._number = get_rank()

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: Mapping[str, Any] | None = None,
                        outputs: Sequence[ActionDataSample] = ()) -> None:
        """Draw the samples of a batch."""
        if self.out_dir is None:
            return
        inputs = data_batch['inputs']
        if isinstance(inputs, Mapping):  # one list of clips per sampling
            inputs = next(iter(inputs.values()))
        for clips, sample in zip(inputs, outputs):
            if self._number % self.interval == 0:
                name = Path(sample.get('filename', 'sample')).stem
                path = Path(self.out_dir, f'{self._number:05d}_{name}.png')
                put(_picture(clips, sample), str(path))
            self._number += get_world_size()


def _picture(clips: Tensor, sample: ActionDataSample) -> bytes:
    """Draw a sample as PNG.

    Args:
        clips: RGB clips ``(M, 3, T, H, W)`` or frames ``(M, 3, H, W)``, in 0
            to 255.
        sample: Sample with its prediction.

    Raises:
        ValueError: If the clips hold no RGB frames.
    """
    frame = clips[0, :, 0] if clips.dim() == 5 else clips[0]
    if frame.dim() != 3 or len(frame) != 3:
        raise ValueError(
            '--show-dir draws clips (M, 3, T, H, W) or frames (M, 3, H, W), '
            f'got inputs {tuple(clips.shape)}; leave it out for this model')
    flows = {}
    if 'pred_flow' in sample:
        flows['flow'] = sample.pred_flow[0, :, 0].float().numpy()
    label = []
    if 'gt_label' in sample:
        label.append(f'true {sample.gt_label.tolist()}')
    if 'pred_score' in sample:
        score = sample.pred_score
        score = score['fusion'] if isinstance(score, Mapping) else score
        best = int(score.argmax())
        label.append(f'predicted [{best}]\nscore {score[best]:.3g}')
    picture = np.moveaxis(frame.cpu().numpy(), 0, -1).astype(np.uint8)
    return figure_to_png(
        flow_panel(
            [dict(frame=picture, flows=flows, label='\n'.join(label))]))
