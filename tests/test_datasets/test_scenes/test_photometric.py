# SPDX-License-Identifier: Apache-2.0
"""Camera effects."""
import numpy as np
import pytest

from uftsn_mmaction.datasets.scenes.photometric import photograph
from uftsn_mmaction.datasets.scenes.settings import SceneSettings

OFF = dict(
    brightness=0, contrast=0, gamma=0, colour=0, saturation=None,
    asymmetric=0, blur=0, noise=0)


@pytest.fixture
def frames():
    frame = np.random.default_rng(0).uniform(60, 190, (40, 50, 3))
    return [frame.astype(np.float32)] * 2


def take(frames, seed=0, **settings):
    return photograph(np.random.default_rng(seed),
                      SceneSettings(**{**OFF, **settings}), list(frames))


def test_a_perfect_camera_rounds(frames):
    for taken, frame in zip(take(frames), frames):
        assert taken.dtype == np.uint8
        np.testing.assert_array_equal(taken, np.rint(frame))


@pytest.mark.parametrize('name, size', [
    ('brightness', 40), ('contrast', 0.5), ('gamma', 0.5), ('colour', 0.3),
    ('saturation', (0.2, 0.4)), ('blur', 1)])
def test_common_effects_change_both_frames_alike(frames, name, size):
    first, second = take(frames, **{name: size})
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - frames[0]).mean() > 1


def test_asymmetric_effects_change_one_frame(frames):
    first, second = take(frames, asymmetric=1, asymmetry=1, brightness=40)
    mean = [int(np.mean(taken)) for taken in (first, second)]
    assert mean[0] != mean[1]
    share = [
        np.ptp([np.mean(f) for f in take(
            frames, seed, asymmetric=0.5, asymmetry=1, brightness=40)]) > 0.1
        for seed in range(200)]
    assert 0.35 < np.mean(share) < 0.65


def test_noise_is_as_strong_as_said_and_new_in_each_frame(frames):
    noise = [taken - frame for taken, frame in zip(
        take(frames, noise=(6, 6)), frames)]
    for grain in noise:
        assert abs(grain.mean()) < 0.5
        assert 5.5 < grain.std() < 6.5
    assert abs(np.corrcoef(*[grain.ravel() for grain in noise])[0, 1]) < 0.1
