# SPDX-License-Identifier: Apache-2.0
"""TV-L1 keeps the contract of an estimator and gets the physics right."""
import copy

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from uftsn_mmaction.models.flow.classical import TVL1FlowEstimator

SHIFT = (2, -1)  # u to the right, v up


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def translating_clip(frames=2, height=48, width=56, batch=1, seed=0):
    """A smooth colour texture that moves by ``SHIFT`` a frame."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(batch, 3, height + 40, width + 40, generator=generator)
    texture = F.avg_pool2d(noise, 7, stride=1, padding=3)
    low, high = texture.amin(), texture.amax()
    texture = (texture - low) / (high - low)
    u, v = SHIFT
    clip = [
        texture[..., 20 - v * t:20 - v * t + height,
                20 - u * t:20 - u * t + width] for t in range(frames)
    ]
    return torch.stack(clip, dim=2)


def inner_mean(flow, margin=8):
    return flow[..., margin:-margin, margin:-margin].mean(dim=(0, 2, 3, 4))


@pytest.fixture(scope='module')
def fast():
    return TVL1FlowEstimator(preset='fast')


def test_translation_forward_and_backward(fast):
    clip = translating_clip()
    flow, back = fast.bidirectional(clip)
    expected = torch.tensor(SHIFT, dtype=torch.float32)
    torch.testing.assert_close(
        inner_mean(flow), expected, atol=0.15, rtol=0.)
    torch.testing.assert_close(
        inner_mean(back), -expected, atol=0.15, rtol=0.)


def test_each_flow_belongs_to_its_clip_and_pair(fast):
    clip = translating_clip(frames=3, batch=2)
    clip[1] = clip[1].flip(1)  # the second clip plays backwards
    flow = fast(clip)
    assert flow.shape == (2, 2, 2, 48, 56)
    assert flow.dtype == torch.float32
    expected = torch.tensor(SHIFT, dtype=torch.float32)
    for t in range(2):
        for n, sign in enumerate((1, -1)):
            torch.testing.assert_close(
                inner_mean(flow[n:n + 1, :, t:t + 1]),
                sign * expected,
                atol=0.15,
                rtol=0.)


def test_equals_opencv_at_its_defaults():
    clip = translating_clip(height=32, width=40)
    rgb = (clip[0] * 255).round().byte().permute(1, 2, 3, 0).numpy()
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in rgb]
    reference = cv2.optflow.DualTVL1OpticalFlow_create().calc(*grey, None)
    flow = TVL1FlowEstimator()(clip)
    np.testing.assert_array_equal(flow[0, :, 0].permute(1, 2, 0), reference)


def test_settings_reach_opencv():
    solver = TVL1FlowEstimator(preset='fast', num_warps=3)._build_solver()
    assert solver.getWarpingsNumber() == 3
    assert solver.getOuterIterations() == 2
    assert solver.getInnerIterations() == 10
    assert solver.getLambda() == 0.15


def test_levels_have_the_estimators_sizes_and_units():
    estimator = TVL1FlowEstimator(preset='fast', out_indices=(0, 1, 2))
    flows = estimator(
        translating_clip(frames=3, height=45, width=53, batch=2))
    assert [tuple(flow.shape) for flow in flows] == [(2, 2, 2, 45, 53),
                                                     (2, 2, 2, 23, 27),
                                                     (2, 2, 2, 12, 14)]
    for level, flow in enumerate(flows):
        for n in range(2):
            torch.testing.assert_close(
                inner_mean(flow[n:n + 1], 8 // 2**level),
                torch.tensor(SHIFT) / 2**level,
                atol=0.2,
                rtol=0.)


def test_is_no_trainable_part_and_can_be_copied(fast):
    clip = translating_clip(height=32, width=32).requires_grad_()
    assert fast.differentiable is False
    assert not list(fast.parameters()) and not fast.state_dict()
    flow = fast(clip)
    assert not flow.requires_grad
    torch.testing.assert_close(copy.deepcopy(fast)(clip), flow)


def test_is_registered():
    assert MODELS.module_dict['TVL1FlowEstimator'] is TVL1FlowEstimator


def test_settings_are_named_in_the_printout(fast):
    assert 'num_warps=2' in repr(fast) and 'lambda_=0.15' in repr(fast)


@pytest.mark.parametrize('clip, words', [
    (torch.rand(1, 2, 2, 32, 32), 'RGB clips'),
    (torch.rand(1, 3, 1, 32, 32), 'clip_len is 1'),
    (torch.rand(1, 3, 2, 32, 32) * 255, 'divide 8-bit frames by 255'),
    (torch.full((1, 3, 2, 32, 32), float('nan')), 'got values from nan'),
])
def test_bad_clips(fast, clip, words):
    with pytest.raises(ValueError, match=words):
        fast(clip)


def test_bad_settings():
    with pytest.raises(TypeError, match='has no setting nscales'):
        TVL1FlowEstimator(nscales=3)
    with pytest.raises(ValueError, match="'opencv', 'fast'"):
        TVL1FlowEstimator(preset='slow')
    with pytest.raises(ValueError, match='out_indices'):
        TVL1FlowEstimator(out_indices=(-1, ))


def test_missing_contrib_module(monkeypatch):
    monkeypatch.delattr(cv2, 'optflow')
    with pytest.raises(ImportError, match='pip install opencv-contrib-python'):
        TVL1FlowEstimator()
