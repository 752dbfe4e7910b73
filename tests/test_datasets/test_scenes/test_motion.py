# SPDX-License-Identifier: Apache-2.0
"""Motion of a layer, its inverse and its statistics."""
import numpy as np
import pytest

from uftsn_mmaction.datasets.scenes.motion import (
    Motion,
    MotionSampler,
    ShearWave,
)
from uftsn_mmaction.datasets.scenes.settings import SceneSettings


def grid(size=(40, 60)):
    y, x = np.indices(size, dtype=np.float32)
    return np.stack([x, y])


def sampler(seed=0, size=(128, 128), **settings):
    return MotionSampler(
        np.random.default_rng(seed), SceneSettings(**settings), size)


STRONG = dict(
    still_background=0, strong=1, strong_deformation=0.2, perspective=0.05,
    wobble=1, wobble_share=1)


@pytest.mark.parametrize('seed', range(8))
def test_backward_undoes_forward(seed):
    motion = sampler(seed, **STRONG).background()
    points = grid((128, 128))
    moved = motion.forward(points)
    assert moved.dtype == np.float32
    assert np.abs(moved - points).max() > 1
    np.testing.assert_allclose(motion.backward(moved), points, atol=1e-3)
    np.testing.assert_allclose(
        motion.forward(motion.backward(points)), points, atol=1e-3)


def test_a_wave_moves_along_its_crests():
    wave = ShearWave((0.1, 0.), amplitude=3., phase=np.pi / 2)
    x, y = wave.move(grid())
    np.testing.assert_array_equal(x, grid()[0])
    np.testing.assert_allclose(
        y - grid()[1], 3 * np.cos(0.1 * grid()[0]), atol=1e-5)


def test_a_homography_maps_as_written():
    matrix = np.array([[1.1, -0.2, 3], [0.1, 0.9, -2], [1e-3, -2e-3, 1]])
    moved = Motion(matrix).forward(grid())
    for x, y in ((0, 0), (59, 0), (20, 39)):
        a, b, c = matrix @ [x, y, 1]
        np.testing.assert_allclose(moved[:, y, x], (a / c, b / c), rtol=1e-5)


def translations(number=3000, **settings):
    """Translations of the middle of backgrounds without waves."""
    settings = dict(still_background=0, wobble=0, **settings)
    middle = np.full((2, 1, 1), 63.5)
    return np.array([
        np.hypot(*(sampler(seed, **settings).background().forward(middle)
                   - middle)).item() for seed in range(number)])


def test_translation_is_log_normal_and_capped():
    lengths = translations()
    # Four standard errors of a median: 4 * 1.25 * spread / sqrt(number).
    assert abs(np.log(np.median(lengths) / 3)) < 0.11
    low, high = np.quantile(np.log(lengths), (0.16, 0.84))
    assert 0.95 < (high - low) / 2 < 1.25
    assert 0.6 * 128 - 0.01 < lengths.max() < 0.6 * 128 + 0.01
    assert translations(300, max_translation=4).max() < 4.001


def test_a_carried_object_follows_the_background():
    settings = dict(still_background=0, carried=1, carried_share=(1, 1),
                    translation=0, deformation=0, strong=0, perspective=0,
                    wobble=0)
    camera = Motion(np.array([[1, -0.1, 4], [0.1, 1, -3], [0, 0, 1.]]))
    place = np.array([50., 40.])
    motion, centre = sampler(**settings).of_object(place, camera)
    expected = camera.forward(place[:, None, None])[:, 0, 0] - place
    before = motion.backward(centre[:, None, None])[:, 0, 0]
    np.testing.assert_allclose(centre - before, expected)
    np.testing.assert_allclose((centre + before) / 2, place)
    np.testing.assert_allclose(
        motion.matrix[:2, :2], camera.matrix[:2, :2], atol=1e-9)


def test_switches():
    still = sampler(still_background=1).background()
    np.testing.assert_array_equal(still.forward(grid()), grid())
    rigid = sampler(still_background=0, deformation=0, strong=None,
                    perspective=0, wobble=None).background()
    flow = rigid.forward(grid()) - grid()
    assert np.ptp(flow, axis=(1, 2)).max() < 1e-4 and np.abs(flow).max() > 0.1
