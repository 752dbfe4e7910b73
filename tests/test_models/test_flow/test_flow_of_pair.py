# SPDX-License-Identifier: Apache-2.0
"""Any estimator on a pair of pictures."""
import cv2
import numpy as np
import pytest
import torch

from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs
from uftsn_mmaction.models.flow import FlowEstimator
from uftsn_mmaction.models.flow_zoo import ESTIMATORS, build_estimator


class Recorder(FlowEstimator):
    """Keeps its input and gives the levels it was told."""

    def __init__(self, *result):
        super().__init__()
        self.result = result

    def estimate_levels(self, x, backward=False):
        self.x = x
        self.grad = torch.is_grad_enabled()
        return self.result


def frames(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)


def test_frames_become_a_clip_of_rgb_from_0_to_1():
    first, second = frames(3, 4)
    recorder = Recorder(torch.zeros(1, 2, 1, 3, 4))
    recorder.flow_of_pair(first, second)
    assert recorder.x.shape == (1, 3, 2, 3, 4)
    assert not recorder.grad
    clip = recorder.x[0].permute(1, 2, 3, 0).numpy()
    np.testing.assert_allclose(clip[0], first / 255, atol=1e-6)
    np.testing.assert_allclose(clip[1], second / 255, atol=1e-6)


def test_the_finest_level_is_taken():
    fine = torch.arange(24, dtype=torch.float64).view(1, 2, 1, 3, 4)
    recorder = Recorder(fine, torch.zeros(1, 2, 1, 2, 2))
    flow = recorder.flow_of_pair(*frames(3, 4))
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(flow, np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize('result', [
    torch.zeros(1, 2, 1, 2, 2), torch.zeros(1, 101)
])
def test_what_is_no_flow_of_the_pair_is_refused(result):
    with pytest.raises(ValueError, match=r'Recorder.*\(1, 2, 1, 3, 4\)'):
        Recorder(result).flow_of_pair(*frames(3, 4))


@pytest.mark.parametrize('name', ESTIMATORS)
def test_every_estimator_takes_odd_sizes(name):
    first, second = frames(37, 51)
    flow = build_estimator(name).flow_of_pair(first, second)
    assert flow.shape == (2, 37, 51) and flow.dtype == np.float32
    assert np.isfinite(flow).all()
    assert flow.any() != (name == 'zero')


@pytest.mark.parametrize('name', ['tvl1', 'dis', 'tvnet'])
def test_solvers_beat_zero_flow(name):
    """Would fail with swapped frames, channels or signs."""
    estimator = build_estimator(name)
    pairs = GeneratedPairs(number=5, size=(64, 64), seed=5)
    for pair in (pairs[0], pairs[4]):  # to the left and up
        flow = estimator.flow_of_pair(pair.first, pair.second)
        error = np.hypot(*(flow - pair.flow)).mean()
        assert error < 0.5 * np.hypot(*pair.flow).mean()


@pytest.mark.parametrize('name', ['tvl1', 'dis', 'tvnet'])
@pytest.mark.parametrize('height, width', [(67, 97), (40, 301)])
def test_solvers_are_right_at_odd_sizes(name, height, width):
    rng = np.random.default_rng(0)
    big = rng.integers(0, 256, (height + 80, width + 80, 3)).astype(np.uint8)
    big = cv2.GaussianBlur(big, (0, 0), 1.5)
    first, second = (
        np.ascontiguousarray(big[y:y + height, x:x + width])
        for y, x in ((40, 40), (39, 38)))
    flow = build_estimator(name).flow_of_pair(first, second)
    error = np.hypot(flow[0] - 2, flow[1] - 1)
    assert error.mean() < 0.1


@pytest.mark.parametrize('name', ['tvl1', 'dis', 'tvnet'])
@pytest.mark.parametrize('value', [0, 255])
def test_nothing_moves_in_constant_frames(name, value):
    frame = np.full((64, 64, 3), value, np.uint8)
    flow = build_estimator(name).flow_of_pair(frame, frame)
    assert np.abs(flow).max() < 0.01
