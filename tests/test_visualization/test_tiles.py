# SPDX-License-Identifier: Apache-2.0
"""Tiles lie where they belong, and captions do not run into each other."""
import numpy as np
import pytest

from uftsn_mmaction.visualization import Tile, add_wheel, heat_map, tile

RED, BLUE = (np.full((40, 250, 3), color, np.uint8)
             for color in ((255, 0, 0), (0, 0, 255)))


def test_rows_and_columns():
    picture = tile([[Tile(RED), Tile(None), Tile(BLUE)], [Tile(BLUE)]])
    is_red = (picture == RED[0, 0]).all(-1)
    is_blue = (picture == BLUE[0, 0]).all(-1)
    assert is_red.sum() == RED[..., 0].size
    assert is_blue.sum() == 2 * RED[..., 0].size
    ys, xs = np.nonzero(is_blue)
    red_y, red_x = np.argwhere(is_red)[0]
    # The second one begins in the next row, below the red one.
    assert xs.min() == red_x and ys.min() == red_y
    assert ys[xs == red_x].min() > red_y + 40
    assert not is_blue[red_y, red_x + 250:red_x + 500].any()


def test_small_pictures_are_enlarged_without_blur():
    small = np.random.default_rng(0).integers(0, 256, (30, 100, 3), np.uint8)
    picture = tile([[Tile(small)]])
    assert picture.shape[1] > 300
    np.testing.assert_array_equal(picture[8:98:3, 8:308:3], small)


@pytest.mark.parametrize('text', ['short', 'a name that is rather long ' * 2])
def test_captions_stay_below_their_picture(text):
    picture = tile([[Tile(RED, text), Tile(RED)]])
    ink = np.nonzero((picture < 128).all(-1))
    assert ink[0].size > 20
    assert ink[0].min() >= 48 and ink[1].max() < 8 + 250 + 4


def test_heat_rises():
    painted = heat_map(np.array([[0, 1, 2, 3, 4, 9, np.nan]]), 4)
    brightness = painted.astype(int).sum(-1)[0]
    assert (np.diff(brightness[:5]) > 0).all()
    assert brightness[5] == brightness[4] and brightness[6] == brightness[0]
    assert painted[0, 2, 0] > painted[0, 2, 2]  # red, not blue


def test_a_wheel_lies_in_its_corner():
    image = np.zeros((64, 96, 3), np.uint8)
    wheel = add_wheel(image)
    assert not image.any() and wheel[50:, 80:].any()
    assert not wheel[:40].any() and not wheel[:, :70].any()
    assert add_wheel(np.zeros((8, 8, 3), np.uint8)).shape == (8, 8, 3)
