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


def test_large_frames_have_translations_up_to_80_px():
    middle = np.full((2, 1, 1), 127.5)
    lengths = [np.hypot(*(sampler(
        seed, size=(256, 256), still_background=0, wobble=0, translation=60
    ).background().forward(middle) - middle)).item() for seed in range(60)]
    assert 79.99 < max(lengths) < 80.01


#: Backgrounds that do nothing but what a test asks for.
PLAIN = dict(still_background=0, translation=0, deformation=0, strong=0,
             perspective=0, wobble=0)


def matrices(number=600, size=(100, 200), **settings):
    return np.array([
        sampler(seed, size, **{**PLAIN, **settings}).background().matrix
        for seed in range(number)])


def assert_deviation(values, expected):
    # Four standard errors of a deviation: 4 / sqrt(2 * number).
    assert abs(np.std(values) / expected - 1) < 4 / np.sqrt(2 * len(values))
    assert abs(np.mean(values)) < 4 * expected / np.sqrt(len(values))


def test_rotation_zoom_and_shear_are_as_strong_as_said():
    (a, b), (c, d) = matrices(deformation=0.05)[:, :2, :2].transpose(1, 2, 0)
    angle = np.arctan2(c - b, a + d)
    zoom = np.log(a * d - b * c) / 2
    # Rotation and zoom leave a symmetric matrix [[1 + p, q], [q, 1 - p]].
    cos, sin = np.cos(angle), np.sin(angle)
    aspect = (cos * a + sin * c - (cos * d - sin * b)) / 2
    skew = (cos * b + sin * d + cos * c - sin * a) / 2
    assert_deviation(angle, 0.05)
    assert_deviation(zoom, 0.05)
    assert_deviation(aspect, 0.025)
    assert_deviation(skew, 0.025)


def test_some_scenes_deform_strongly():
    angle = np.arcsin(matrices(
        strong=0.3, deformation=1e-6, strong_deformation=0.1)[:, 1, 0])
    strong = np.abs(angle) > 1e-4
    assert 0.2 < strong.mean() < 0.4
    assert_deviation(angle[strong], 0.1)


def test_perspective_changes_the_scale_towards_the_border():
    middle = np.array([99.5, 49.5, 1])
    found = matrices(perspective=0.02)
    depth = found[:, 2] / (found[:, 2] @ middle)[:, None]
    # The longer half of the frame is 100 px. Draws end at two deviations.
    for tilt in depth[:, 0] * 100, depth[:, 1] * 100:
        assert np.abs(tilt).max() < 0.0401
        assert 0.8 < np.std(tilt) / 0.02 < 1.05


def test_waves_are_as_high_as_said():
    points = grid((100, 200))
    heights = []
    for seed in range(40):
        motion = sampler(seed, (100, 200), **{
            **PLAIN, 'wobble': 1, 'wobble_share': 0.5}).background()
        assert 1 <= len(motion.waves) <= 3
        flow = motion.forward(points) - points
        assert np.ptp(flow, axis=(1, 2)).max() > 0
        heights += [wave.amplitude for wave in motion.waves]
    # Half of the translation, which is none, plus one pixel.
    assert 0.4 < max(heights) <= 0.5


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
