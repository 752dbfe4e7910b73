# SPDX-License-Identifier: Apache-2.0
"""Flow of a clip in the data pipeline, computed once for each pair."""
from __future__ import annotations

import hashlib
import json
import os.path as osp
from functools import partial

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmcv.transforms import BaseTransform

from ...fileio.checkpoint import ESTIMATOR_PART, load_weights
from ...models.flow import FlowEstimator, build_flow_estimator
from .flow_cache import FlowCache

#: Part of every key; to be raised when the same settings give another flow.
VERSION = 1


@TRANSFORMS.register_module()
class CachedFlow(BaseTransform):
    """Replace the frames of a clip by the flows between them.

    For estimators too slow to run in every epoch. Place it after decoding and
    resizing and before crops and flips, which then act on the flow: stock
    crops, but ``FlipFlow`` and ``ResizeFlow``, and ``FormatFlow`` at the end.
    The model is a ``CachedFlowRecognizer``.

    Flow is cached for each pair of frames rather than for each clip: clips
    that start at random share most of their pairs. The key is a SHA-256 of
    the frames themselves, as decoded and resized, and of the estimator: its
    config, what defaults came to, its weights, the step and the versions of
    OpenCV, PyTorch and ptlflow. So the cache can be shared by any pipelines
    and moved with or without the videos.

    The estimator runs on the CPU, in the workers of the data loader, which
    have one thread each.

    Required Keys:

    - imgs: 8-bit RGB frames
    - clip_len, num_clips
    - img_shape

    Modified Keys:

    - imgs: ``num_clips * (clip_len - 1)`` flows ``(H, W, 2)``, float32 in
      pixels; channel 0 is u (right), channel 1 v (down).

    Args:
        estimator: Config of any estimator from a clip ``(N, 3, T, H, W)`` in
            [0, 1] to flows, finest level first.
        cache_dir: Folder of the cache.
        checkpoint: Weights of a learned estimator, or the checkpoint of a
            recognizer that has it as its ``flow_estimator``; loaded as
            weights only.
        step: Pixels to whose multiples the flow is rounded.

    Raises:
        FileNotFoundError: There is no such checkpoint.
        ValueError: The weights of the estimator are random, do not fit or
            are not on the CPU, or a setting makes no sense.
    """

    def __init__(self,
                 estimator: dict,
                 cache_dir: str,
                 checkpoint: str | None = None,
                 step: float = 1 / 16) -> None:
        self.estimator = _build(estimator, checkpoint)
        name = type(self.estimator).__name__
        # A folder for each estimator, which can be deleted alone.
        identity = _identity(estimator, self.estimator, step)
        folder = f'{name}-{identity[:16]}'
        self.cache = FlowCache(osp.join(cache_dir, folder), step)

    def transform(self, results: dict) -> dict:
        """Replace ``imgs``.

        Raises:
            ValueError: The frames are not 8-bit RGB or already cropped or
                flipped, the clip has one frame, or the estimator's flow is
                no flow of the frames' size or not finite.
        """
        frames = self._frames(results)
        digests = [_digest(frame) for frame in frames]
        clip_len, size = results['clip_len'], frames[0].shape[:2]
        flows = []
        for t in range(len(frames)):
            if (t + 1) % clip_len:
                key = hashlib.sha256(digests[t] + digests[t + 1]).hexdigest()
                pair = frames[t], frames[t + 1]
                flows.append(
                    self.cache.get(key, size, partial(self._estimate, *pair)))
        results['imgs'] = flows
        # From here on it would be the sign of a stock Resize.
        results.pop('scale_factor', None)
        return results

    @staticmethod
    def _frames(results: dict) -> list[np.ndarray]:
        """Frames of all clips, if flow can be made of them."""
        clip_len = results['clip_len']
        if clip_len < 2:
            raise ValueError(
                f'clip_len is {clip_len}, but a flow needs two frames or '
                'more; raise clip_len of SampleFrames')
        for key in ('crop_quadruple', 'crop_bbox', 'flip', 'lazy'):
            # Of a random crop no flow would ever be found again.
            if key in results:
                raise ValueError(
                    'CachedFlow expects whole frames, but a crop, a Flip or '
                    f'a lazy transform came before it (it left {key!r}); put '
                    'CachedFlow before crops and flips and lazy=False into '
                    'Resize')
        frames = [np.ascontiguousarray(frame) for frame in results['imgs']]
        expected = results['num_clips'] * clip_len
        shapes = {(frame.shape, frame.dtype.name) for frame in frames}
        if len(frames) != expected or shapes != {
            ((*results['img_shape'], 3), 'uint8')
        }:
            raise ValueError(
                f'CachedFlow expects {expected} frames (H, W, 3) of uint8, '
                f'got {len(frames)} of {sorted(shapes)}; put it right after '
                'the decoder and Resize')
        return frames

    def _estimate(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Flow ``(H, W, 2)`` from a frame ``(H, W, 3)`` to another."""
        # 2 x H x W x 3 -> 1 x 3 x 2 x H x W
        clip = torch.from_numpy(np.stack((first, second)))
        clip = clip.permute(3, 0, 1, 2)[None].float() / 255
        with torch.no_grad():
            flow = self.estimator.levels(clip)[0]
        expected = (1, 2, 1, *first.shape[:2])
        if tuple(flow.shape) != expected:
            raise ValueError(
                f'{type(self.estimator).__name__} gave a flow '
                f'{tuple(flow.shape)}, but CachedFlow expects {expected}, the '
                'flow at full size first; let out_indices begin with 0')
        if not torch.isfinite(flow).all():
            raise ValueError(
                f'{type(self.estimator).__name__} gave a flow that is not '
                'finite, which CachedFlow does not store; correct its '
                'settings or its checkpoint')
        # 1 x 2 x 1 x H x W -> H x W x 2
        return flow[0, :, 0].permute(1, 2, 0).numpy()

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(folder={self.cache.folder!r}, '
                f'step={self.cache.step})')


def _build(config: dict, checkpoint: str | None) -> FlowEstimator:
    """The estimator, ready to run, its weights well defined."""
    if config.get('init_cfg'):
        raise ValueError(
            f'CachedFlow does not use init_cfg={config["init_cfg"]!r} of its '
            'estimator; name the file as checkpoint of CachedFlow')
    # The seeds of a run must not depend on this.
    with torch.random.fork_rng(devices=[]):
        estimator = build_flow_estimator(config, 'CachedFlow')
        name = type(estimator).__name__
        for weight in (*estimator.parameters(), *estimator.buffers()):
            if weight.device.type != 'cpu':
                raise ValueError(
                    f'{name} is on {weight.device}, but CachedFlow runs in '
                    'the workers of the data loader, on the CPU; leave the '
                    'device of the estimator out')
        if checkpoint is not None:
            load_weights(estimator, checkpoint, name, part=ESTIMATOR_PART)
        elif _weights_digest(estimator) != _weights_digest(
                MODELS.build(config)):
            raise ValueError(
                f'The weights of {name} are random, so that its flow would '
                'never be found again; name a checkpoint in CachedFlow')
    return estimator.requires_grad_(False).eval()


def _identity(config: dict, estimator: FlowEstimator, step: float) -> str:
    """Digest of all that decides a flow besides the frames."""
    # Threads change nothing but the time, and level 0 is always the first.
    config = {
        k: v
        for k, v in config.items() if k not in ('num_workers', 'out_indices')
    }
    found = dict(
        version=VERSION,
        config=config,
        # Presets and defaults may change: what they came to.
        settings=repr(estimator),
        weights=_weights_digest(estimator),
        opencv=cv2.__version__,
        torch=torch.__version__,
        step=step)
    text = json.dumps(found, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _weights_digest(estimator: FlowEstimator) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(estimator.state_dict().items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype};'.encode())
        flat = value.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _digest(frame: np.ndarray) -> bytes:
    """Digest of a frame ``(H, W, 3)`` and its size."""
    digest = hashlib.sha256(str(frame.shape).encode())
    digest.update(frame)
    return digest.digest()
