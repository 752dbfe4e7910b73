# SPDX-License-Identifier: Apache-2.0
"""Ground truth flow of the frames of a clip."""
from __future__ import annotations

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...fileio.paths import check_input_file


@TRANSFORMS.register_module()
class LoadGroundTruthFlow(BaseTransform):
    """Load the flow between the sampled frames.

    Place it after the decoder; the frames must keep their geometry.
    ``PackActionInputs(algorithm_keys=('gt_flow', ))`` puts the flow into the
    data sample. A frame that ``out_of_bound_opt='repeat_last'`` repeats gets
    zero flow.

    Required Keys: frame_inds, clip_len, start_index, img_shape, flow_file
    (``.npz`` with 'flow', ``(total_frames - 1, 2, H, W)``)

    Added Keys: gt_flow, float32 ``(num_clips, 2, clip_len - 1, H, W)`` in
    pixels from frame t to t+1; channel 0 is u (right), channel 1 v (down)

    Args:
        optional: Whether a video without ``flow_file``, such as one given
            to an inferencer of MMAction2, is passed on.
    """

    def __init__(self, optional: bool = False) -> None:
        self.optional = optional

    def transform(self, results: dict) -> dict:
        """Add ``gt_flow`` to the results.

        Raises:
            FileNotFoundError: If the flow file does not exist.
            ValueError: If the clip has a single frame, the sampled frames
                are not consecutive, were resized, cropped or flipped, or the
                video has no ``flow_file``.
        """
        if 'flow_file' not in results:
            if self.optional:
                return results
            raise ValueError(
                f'video {results.get("filename")!r} has no flow_file, '
                'expected one as SyntheticMotionDataset gives it; set '
                'optional=True of LoadGroundTruthFlow for videos without '
                'known flow')
        clip_len = results['clip_len']
        if clip_len < 2:
            raise ValueError(
                f'clip_len is {clip_len}, expected 2 or more for flow between '
                'the frames of a clip; raise it in SampleFrames')
        frame_inds = np.reshape(results['frame_inds'], (-1, clip_len))
        steps = np.diff(frame_inds, axis=1)
        if not np.isin(steps, (0, 1)).all():
            raise ValueError(
                f'the sampled frames {frame_inds.ravel().tolist()} are not '
                'consecutive, but flow is only known from one frame to the '
                'next; use SampleFrames with frame_interval=1 and '
                "out_of_bound_opt='repeat_last'")
        path = results['flow_file']
        check_input_file(path, f'flow_file {path!r}',
                         'generate the set again or correct data_root')
        with np.load(path, allow_pickle=False) as archive:
            flow = archive['flow'].astype(np.float32)
        self._check_geometry(results, flow.shape[-2:])
        starts = frame_inds[:, :-1] - results.get('start_index', 0)
        # The last frame starts no pair. Where it is repeated, any index does,
        # since the flow is set to zero.
        clips = flow[np.minimum(starts, len(flow) - 1)]
        clips = clips * (steps == 1)[:, :, None, None, None]
        # (num_clips, clip_len - 1, 2, H, W) -> channels before time
        clips = np.ascontiguousarray(clips.transpose(0, 2, 1, 3, 4))
        results['gt_flow'] = torch.from_numpy(clips)
        return results

    @staticmethod
    def _check_geometry(results: dict, flow_shape: tuple[int, int]) -> None:
        shape = tuple(results['img_shape'])
        if shape != flow_shape:
            raise ValueError(
                f'the frames are {shape} (height, width) and their flow is '
                f'{flow_shape}; remove Resize and crops from the '
                'pipeline, or generate the set in that size')
        # A flip or a crop may keep the size.
        crop = results.get('crop_quadruple', (0, 0, 1, 1))
        if results.get('flip') or not np.allclose(crop, (0, 0, 1, 1)):
            raise ValueError(
                'the frames were flipped or cropped and no longer match their '
                'flow; remove Flip and crops from a pipeline that has '
                'LoadGroundTruthFlow')

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(optional={self.optional})'
