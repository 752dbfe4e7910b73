# SPDX-License-Identifier: Apache-2.0
"""Flow of clips in the data pipeline, computed once for each pair."""
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
from torch import nn

from ...fileio.checkpoint import ESTIMATOR_PART, load_weights
from .flow_cache import FlowCache

#: Part of every key. Raise it when the same settings give another flow.
VERSION = 1


@TRANSFORMS.register_module()
class CachedFlow(BaseTransform):
    """Replace the frames of a clip by the flows between them.

    For estimators that are too slow to run in every epoch. Place it after
    decoding and resizing and before crops and flips, which then act on the
    flow: use stock crops, but ``FlipFlow`` and ``ResizeFlow``, and
    ``FormatFlow`` at the end. The model is a ``CachedFlowRecognizer``. The
    estimator runs on the CPU, in the workers of the data loader.

    Flow is cached per pair of frames rather than per clip, since clips that
    start at random share most of their pairs. The key is a SHA-256 of the
    frames, as decoded and resized, and of the estimator: its config, the
    resulting settings, its weights, the step and the versions of libraries.
    So any pipelines can share the cache, and it can be moved with or without
    the videos.

    Required Keys: imgs (8-bit RGB frames), img_shape, clip_len, num_clips

    Modified Keys: imgs, ``num_clips * (clip_len - 1)`` flows ``(H, W, 2)``,
    float32 in pixels; channel 0 is u (right), channel 1 v (down)

    Args:
        estimator: Config of any ``FlowEstimator``.
        cache_dir: Folder of the cache.
        checkpoint: Checkpoint of a learned estimator, or of a recognizer
            whose ``flow_estimator`` it is.
        step: Step in pixels to whose multiples the flow is rounded.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        TypeError: If ``estimator`` is not a ``FlowEstimator``.
        ValueError: If the weights of the estimator are random, do not fit or
            are not on the CPU, or a setting is out of range.
    """

    def __init__(self, estimator: dict, cache_dir: str,
                 checkpoint: str | None = None, step: float = 1 / 16) -> None:
        self.estimator = _build(estimator, checkpoint)
        # One folder per estimator, which can be deleted on its own.
        identity = _identity(estimator, self.estimator, step)
        folder = f'{type(self.estimator).__name__}-{identity[:16]}'
        self.cache = FlowCache(osp.join(cache_dir, folder), step)

    def transform(self, results: dict) -> dict:
        """Replace ``imgs``.

        Raises:
            ValueError: If the frames are not 8-bit RGB or already cropped or
                flipped, the clip has one frame, or the flow is not finite.
        """
        frames = self._frames(results)
        digests = [_digest(frame) for frame in frames]
        clip_len, size = results['clip_len'], frames[0].shape[:2]
        flows = []
        for t in range(len(frames)):
            if (t + 1) % clip_len:
                key = hashlib.sha256(digests[t] + digests[t + 1]).hexdigest()
                estimate = partial(self._estimate, *frames[t:t + 2])
                flows.append(self.cache.get(key, size, estimate))
        results['imgs'] = flows
        # FormatFlow would take it for the sign of a stock Resize.
        results.pop('scale_factor', None)
        return results

    @staticmethod
    def _frames(results: dict) -> list[np.ndarray]:
        """Return the frames of all clips, checked."""
        clip_len = results['clip_len']
        if clip_len < 2:
            raise ValueError(f'clip_len is {clip_len}, but a flow needs two '
                             'frames or more; raise clip_len of SampleFrames')
        for key in ('crop_quadruple', 'crop_bbox', 'flip', 'lazy'):
            # The flow of a random crop would never be found again.
            if key in results:
                raise ValueError(
                    'CachedFlow expects whole frames, but a crop, a Flip or '
                    f'a lazy transform came before it (it left {key!r}); put '
                    'CachedFlow before crops and flips and lazy=False into '
                    'Resize')
        frames = [np.ascontiguousarray(frame) for frame in results['imgs']]
        expected = results['num_clips'] * clip_len
        shapes = {(frame.shape, frame.dtype.name) for frame in frames}
        wanted = {((*results['img_shape'], 3), 'uint8')}
        if len(frames) != expected or shapes != wanted:
            raise ValueError(
                f'CachedFlow expects {expected} frames (H, W, 3) of uint8, '
                f'got {len(frames)} of {sorted(shapes)}; put it right after '
                'the decoder and Resize')
        return frames

    def _estimate(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the flow ``(H, W, 2)`` from one frame to another."""
        flow = self.estimator.flow_of_pair(first, second)
        if not np.isfinite(flow).all():
            raise ValueError(
                f'{type(self.estimator).__name__} gave a flow that is not '
                'finite, which CachedFlow does not store; correct its '
                'settings or its checkpoint')
        return np.moveaxis(flow, 0, -1)  # 2 x H x W -> H x W x 2

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(folder={self.cache.folder!r}, '
                f'step={self.cache.step})')


def _build(config: dict, checkpoint: str | None) -> nn.Module:
    """Build the estimator and load its weights."""
    if config.get('init_cfg'):
        raise ValueError(
            f'CachedFlow does not use init_cfg={config["init_cfg"]!r} of its '
            'estimator; name the file as checkpoint of CachedFlow')
    # The random numbers of a run must not depend on the cache.
    with torch.random.fork_rng(devices=[]):
        estimator = MODELS.build(config)
    name = type(estimator).__name__
    if not isinstance(estimator, MODELS.get('FlowEstimator')):
        raise TypeError(f'estimator of CachedFlow is a {name}, expected a '
                        'FlowEstimator')
    for weight in (*estimator.parameters(), *estimator.buffers()):
        if weight.device.type != 'cpu':
            raise ValueError(
                f'{name} is on {weight.device}, but CachedFlow runs in the '
                'workers of the data loader, on the CPU; leave the device of '
                'the estimator out')
    if checkpoint is not None:
        load_weights(estimator, checkpoint, name, part=ESTIMATOR_PART)
    elif estimator.has_random_weights:
        raise ValueError(
            f'The weights of {name} are random, so its flow would never be '
            'found again; name a checkpoint in CachedFlow')
    return estimator.requires_grad_(False).eval()


def _identity(config: dict, estimator: nn.Module, step: float) -> str:
    """Return a digest of everything but the frames that decides a flow."""
    # Neither threads nor coarser levels change the flow of level 0.
    config = {name: value for name, value in config.items()
              if name not in ('num_workers', 'out_indices')}
    # The settings, since presets and defaults may change.
    found = dict(
        version=VERSION, config=config, settings=repr(estimator),
        weights=_weights_digest(estimator), opencv=cv2.__version__,
        torch=torch.__version__, step=step)
    text = json.dumps(found, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _weights_digest(estimator: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(estimator.state_dict().items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype};'.encode())
        flat = value.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _digest(frame: np.ndarray) -> bytes:
    """Return a digest of a frame ``(H, W, 3)`` and its size."""
    digest = hashlib.sha256(str(frame.shape).encode())
    digest.update(frame)
    return digest.digest()
