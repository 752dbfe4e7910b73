# SPDX-License-Identifier: Apache-2.0
"""Exactness of flow and visibility of rendered pairs."""
import cv2
import numpy as np
import pytest

from uftsn_mmaction.datasets.scenes.layer import Layer, random_layer
from uftsn_mmaction.datasets.scenes.motion import Motion
from uftsn_mmaction.datasets.scenes.scene import SceneSampler, render
from uftsn_mmaction.datasets.scenes.settings import SceneSettings
from uftsn_mmaction.datasets.scenes.textures import TexturePool

SIZE = (96, 128)
NO_CAMERA = dict(
    brightness=0, contrast=0, gamma=0, colour=0, saturation=None,
    asymmetric=0, blur=0, motion_blur=0, noise=None)


def draw(seed, size=SIZE, **settings):
    sampler = SceneSampler(size, SceneSettings(**{**NO_CAMERA, **settings}))
    pool = TexturePool(sampler.texture_side, capacity=0, renewal=0)
    return sampler.draw(np.random.default_rng(seed), pool)


def shift(dx, dy):
    return Motion(np.array([[1., 0, dx], [0, 1, dy], [0, 0, 1]]))


def plain_layer(motion, grey, mask=None, centre=(0, 0)):
    return Layer(
        motion, np.array(centre, float),
        np.full((8, 8, 3), grey, np.float32), np.eye(2, 3), np.eye(3, 4),
        np.zeros(2), mask)


def look(field, flow):
    """Values of a field of the other frame where a flow points to."""
    y, x = np.indices(flow.shape[-2:], dtype=np.float32)
    return cv2.remap(field.astype(np.float32), x + flow[0], y + flow[1],
                     cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def pure(pair, index):
    """Pixels that are visible and whose neighbours show the same layer."""
    flat = []
    for order in pair.order:
        kernel = np.ones((5, 5), np.uint8)
        flat.append(cv2.erode(order, kernel) == cv2.dilate(order, kernel))
    other = look(flat[1 - index], pair.flow[index]) == 1
    return pair.visible[index] & flat[index] & other


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('settings', [
    {},
    dict(motion_blur=1, strong=1, perspective=0.05, wobble=1),
])
def test_each_frame_is_the_other_one_moved(seed, settings):
    pair = draw(seed, **settings)
    for index in range(2):
        here, there = pair.frames[index], pair.frames[1 - index]
        error = np.abs(look(there, pair.flow[index]) - here).mean(-1)
        # Bilinear sampling of the other frame is all that is left.
        inside = pure(pair, index)
        assert inside.mean() > 0.1
        assert np.median(error[inside]) < 2.5
        assert np.quantile(error[inside], 0.99) < 30


@pytest.mark.parametrize('seed', range(8))
def test_flows_undo_each_other(seed):
    pair = draw(seed, wobble=1, strong=1)
    for index in range(2):
        flow = pair.flow[index]
        back = np.stack([look(f, flow) for f in pair.flow[1 - index]])
        residual = np.hypot(*(flow + back))[pure(pair, index)]
        # What remains is bilinear sampling of a curved flow.
        assert residual.max() < 0.05
        assert residual.mean() < 0.005


def test_a_moving_square_hides_and_uncovers():
    mask = np.zeros((43, 43), np.float32)
    mask[1:-1, 1:-1] = 1  # 41 samples at 2 per pixel: 21 pixels
    layers = [plain_layer(shift(0, 0), 50),
              plain_layer(shift(6, 0), 200, mask, centre=(40, 30))]
    pair = render(layers, (60, 80))
    # Frame 2: columns 30 to 50. Frame 1: columns 24 to 44.
    square = np.zeros((2, 60, 80), bool)
    square[0, 20:41, 24:45] = square[1, 20:41, 30:51] = True
    np.testing.assert_array_equal(pair.order == 1, square)
    for index in range(2):
        np.testing.assert_array_equal(
            pair.frames[index][square[index]], 200)
        np.testing.assert_array_equal(
            pair.frames[index][~square[index]], 50)
        np.testing.assert_array_equal(
            pair.flow[index, 0], square[index] * (6, -6)[index])
        np.testing.assert_array_equal(pair.flow[index, 1], 0)
        # Only ground that is free here and covered there is out of sight.
        np.testing.assert_array_equal(
            pair.visible[index], square[index] | ~square[1 - index])


def test_what_leaves_the_frame_is_not_visible():
    pair = render([plain_layer(shift(5, -2.5), 90)], (40, 50))
    expected = np.zeros((2, 40, 50), bool)
    expected[0, 3:, :45] = True  # moves right and up
    expected[1, :37, 5:] = True
    np.testing.assert_array_equal(pair.visible, expected)


def test_later_layers_are_in_front():
    rng = np.random.default_rng(0)
    texture = rng.uniform(0, 255, (64, 64, 3)).astype(np.float32)
    mask = np.zeros((41, 41), np.float32)
    mask[1:-1, 1:-1] = 1
    objects = [
        random_layer(rng, SceneSettings(), shift(*step), np.array([30., 30]),
                     10, texture, mask) for step in ((2, 0), (-8, 0))]
    ground = plain_layer(shift(0, 0), 0)
    pair = render([ground, *objects], (60, 60))
    both = render([ground, objects[1], objects[0]], (60, 60))
    assert pair.flow[1, 0, 30, 30] == 8 and both.flow[1, 0, 30, 30] == -2
    # Frame 1: object 1 is at columns 18 to 38, and object 2 will be there.
    assert not pair.visible[0, 30, 20] and both.visible[0, 30, 20]


@pytest.mark.parametrize('size', [(32, 32), (33, 200), (150, 47)])
def test_any_size_from_32(size):
    pair = draw(3, size=size)
    assert [frame.shape for frame in pair.frames] == [(*size, 3)] * 2
    assert pair.flow.shape == (2, 2, *size)
    assert np.isfinite(pair.flow).all()
    assert pair.visible.any()


def test_scenes_move_about_as_fast_as_said():
    speeds = np.concatenate([
        np.hypot(*draw(seed, size=(64, 64)).flow[0])[::4, ::4].ravel()
        for seed in range(80)])
    assert 2 < np.median(speeds) < 7
    assert np.quantile(speeds, 0.95) > 10
    assert np.mean(speeds < 1) > 0.05


@pytest.mark.parametrize('axis', [0, 1])
def test_an_exposure_smears_along_the_motion(axis):
    texture = np.zeros((65, 65, 3), np.float32)
    texture[(slice(None), 32)[::1 - 2 * axis]] = 240  # a line across the axis
    mask = np.ones((65, 65), np.float32)
    layer = Layer(shift(*(8, 0)[::1 - 2 * axis]), np.array([32., 32.]),
                  texture, np.eye(2, 3), np.eye(3, 4), np.zeros(2), mask)
    smeared = layer.smeared(0.5)
    line = smeared.texture[8:-8, 8:-8, 0].mean(axis)
    place = np.arange(8, 57)
    assert line.sum() == pytest.approx(240, rel=0.01)
    middle = (line * place).sum() / line.sum()
    # A box of 4 px, which stays around its place.
    assert abs(middle - 32) < 0.1
    spread = (line * (place - middle)**2).sum() / line.sum()
    assert spread == pytest.approx(4**2 / 12, rel=0.25)
    # The other way, nothing changes.
    assert np.ptp(smeared.texture[8:-8, 8:-8, 0], axis).max() < 1
    # So does the mask, by twice as many samples.
    grown = smeared.mask.mean(axis) * len(smeared.mask) / 65
    assert grown.sum() == pytest.approx(65, rel=1e-3)
    np.testing.assert_allclose(grown, grown[::-1], atol=0.01)
    assert ((grown > 0.01) & (grown < 0.99)).sum() == pytest.approx(16, abs=2)


def test_motion_blur_takes_detail():
    fast = dict(still_background=0, translation=20, translation_spread=0)

    def detail(**settings):
        return np.mean([
            np.abs(np.diff(frame.astype(float), axis=0)).mean()
            for seed in range(20)
            for frame in draw(seed, **fast, **settings).frames])

    assert detail(motion_blur=1, exposure=(0.6, 0.6)) < 0.7 * detail()


def test_number_of_objects():
    drawn = [draw(seed, objects=(2, 2)).order.max() for seed in range(4)]
    assert max(drawn) == 2
    for off in (0, None):
        assert draw(0, objects=off).order.max() == 0


@pytest.mark.parametrize('size, error', [
    ((31, 64), ValueError), (64, TypeError), ((64, 64, 3), TypeError)])
def test_bad_sizes_are_refused(size, error):
    with pytest.raises(error, match='size'):
        SceneSampler(size, SceneSettings())
