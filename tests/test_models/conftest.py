# SPDX-License-Identifier: Apache-2.0
"""Clips whose motion is known; small recognizers and batches for them."""
import copy

import cv2
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

# Three frames, two flows, four channels for the backbone.
SETTINGS = dict(
    type='UFTSNRecognizer',
    clip_len=3,
    flow_estimator=dict(
        type='UnsupervisedFlowEstimator',
        pyramid_channels=(4, 4, 4, 4),
        decoder_channels=((4, ), ) * 5),
    photometric_loss=dict(type='PhotometricLoss'),
    smoothness_loss=dict(type='SmoothnessLoss'),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        in_channels=4,
        stem_channels=8,
        base_channels=8),
    cls_head=dict(
        type='TSNHead',
        num_classes=5,
        in_channels=64,
        dropout_ratio=0.,
        average_clips='prob'))


@pytest.fixture
def build_recognizer():
    """Function that builds a recognizer; keywords replace settings."""

    def build(**kwargs):
        model = MODELS.build(copy.deepcopy({**SETTINGS, **kwargs}))
        for decoder in getattr(model.flow_estimator, 'decoders',
                               torch.nn.ModuleDict()).values():
            # A start of visible flow, or nothing would depend on it.
            torch.nn.init.normal_(decoder.predict.weight, std=0.1)
        return model

    return build


@pytest.fixture
def make_batch():
    """Function that makes clips ``(B, M, 3, T, H, W)`` and samples."""

    def make(batch=2, num_clips=1, clip_len=3, height=32, width=32):
        clips = torch.rand(batch, num_clips, 3, clip_len, height, width)
        samples = [
            ActionDataSample().set_gt_label(n % 5) for n in range(batch)
        ]
        return clips, samples

    return make


@pytest.fixture
def one_thread():
    """OpenCV on one thread during the test."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope='session')
def moving_texture():
    """Function that makes clips of smooth waves which all move alike.

    Args are the motion (u, v) in pixels per frame, which need not be whole,
    and the size of the batch ``(N, 3, T, H, W)``.
    """

    def make(shift, batch=1, frames=2, height=48, width=56, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def draw(low, high):
            values = torch.rand(batch, 3, 12, 1, 1, 1, generator=generator)
            return low + (high - low) * values

        angle, phase = draw(0, 6.28), draw(0, 6.28)
        wavelength = draw(9, 25)
        t = torch.arange(frames).view(-1, 1, 1)
        x = torch.arange(width) - shift[0] * t
        y = torch.arange(height).view(-1, 1) - shift[1] * t
        along = x * angle.cos() + y * angle.sin()
        waves = (6.2832 * along / wavelength + phase).sin()
        return (0.5 + 0.08 * waves.sum(2)).clamp(0, 1)

    return make
