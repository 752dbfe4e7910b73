# SPDX-License-Identifier: Apache-2.0
"""Texture, outline and pose, of which the renderer is made."""
import numpy as np
import pytest

from uftsn_mmaction.datasets.motion.pose import PoseTrack
from uftsn_mmaction.datasets.motion.shape import random_shape
from uftsn_mmaction.datasets.motion.texture import band_limited_noise


def test_noise_fills_its_band_and_nothing_else():
    noise = band_limited_noise(
        np.random.default_rng(0),
        period=48,
        min_wavelength=6,
        texels_per_pixel=2,
        channels=2)
    assert noise.shape == (96, 96, 2) and noise.dtype == np.float32
    np.testing.assert_allclose(noise.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(noise.std((0, 1)), 1, atol=1e-4)
    power = np.abs(np.fft.fft2(noise, axes=(0, 1)))**2
    waves = np.fft.fftfreq(96, 1 / 96)  # per period
    radius = np.hypot(waves[:, None], waves[None, :])
    assert power[radius > 8.01].sum() < 1e-6 * power.sum()
    # Equal energy in each of the three octaves, up to chance.
    octaves = [
        power[(radius >= low) & (radius < 2 * low)].sum() for low in (1, 2, 4)
    ]
    assert max(octaves) < 5 * min(octaves)


@pytest.mark.parametrize('bad, word', [
    (dict(min_wavelength=0.5), 'min_wavelength 0.5 .*2 texels'),
    (dict(min_wavelength=60), 'min_wavelength 60 .*period 48'),
])
def test_noise_refuses_an_empty_band(bad, word):
    arguments = dict(
        period=48, min_wavelength=6, texels_per_pixel=2, channels=1)
    with pytest.raises(ValueError, match=word):
        band_limited_noise(np.random.default_rng(0), **{**arguments, **bad})


@pytest.mark.parametrize('seed', range(12))
def test_outline_has_the_area_of_its_disc_and_distances(seed):
    step = 0.25
    x, y = np.meshgrid(*2 * [np.arange(-45, 45, step)])
    distance = random_shape(np.random.default_rng(seed), 20)(x, y)
    area = (distance > 0).sum() * step**2
    assert 0.75 < area / (np.pi * 20**2) < 1.3
    assert distance[180, 180] > 10  # the origin is well inside
    # Near the outline the distance grows by one pixel a pixel.
    slope = np.hypot(*np.gradient(distance, step))[np.abs(distance) < 0.5]
    assert 0.9 < np.median(slope) < 1.1
    assert (np.abs(slope - 1) < 0.25).mean() > 0.9


def test_flow_of_a_pose_track_matches_complex_arithmetic():
    rng = np.random.default_rng(1)
    track = PoseTrack(
        centre=rng.uniform(10, 20, (3, 2)),
        angle=rng.uniform(0, 6, 3),
        scale=rng.uniform(0.5, 2, 3))
    y, x = np.indices((5, 6), dtype=float)
    # x + iy turns x into y for a positive angle, as the class promises.
    centre = track.centre[:, 0] + 1j * track.centre[:, 1]
    pose = track.scale * np.exp(1j * track.angle)
    point = x + 1j * y
    flow = track.flow(np.stack([x, y]))
    assert flow.shape == (2, 2, 5, 6)
    for t in range(2):
        local = (point - centre[t]) / pose[t]
        expected = local * pose[t + 1] + centre[t + 1] - point
        np.testing.assert_allclose(flow[t, 0], expected.real, atol=1e-9)
        np.testing.assert_allclose(flow[t, 1], expected.imag, atol=1e-9)
    # The matrices are the same map, in texels.
    mapped = track.inverse_matrices(3)[1] @ np.stack(
        [x.ravel(), y.ravel(), np.ones(30)])
    np.testing.assert_allclose(
        mapped.reshape(2, 5, 6), 3 * track.to_local(np.stack([x, y]))[1])


def test_resting_pose_has_no_flow():
    track = PoseTrack(np.full((3, 2), 7.5), np.full(3, 0.3), np.full(3, 1.2))
    y, x = np.indices((8, 8), dtype=float)
    np.testing.assert_allclose(track.flow(np.stack([x, y])), 0, atol=1e-12)
