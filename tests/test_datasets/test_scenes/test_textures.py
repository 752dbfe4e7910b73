# SPDX-License-Identifier: Apache-2.0
"""Textures, their pool, palettes and outlines."""
from collections import Counter

import cv2
import numpy as np
import pytest

from uftsn_mmaction.datasets.scenes import patterns
from uftsn_mmaction.datasets.scenes.outlines import random_mask
from uftsn_mmaction.datasets.scenes.palette import random_palette
from uftsn_mmaction.datasets.scenes.textures import TexturePool, random_texture

PATTERNS = ('clouds', 'gradient', 'blotches', 'stripes', 'cells', 'leaves',
            'strokes')


@pytest.mark.parametrize('name', PATTERNS)
@pytest.mark.parametrize('side', [128, 200])
def test_patterns_paint_a_square(name, side):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        picture = getattr(patterns, name)(rng, side, random_palette(rng))
        assert picture.shape == (side, side, 3)
        assert np.isfinite(picture).all()
        assert picture.std() > 0


def test_textures_differ_in_brightness_contrast_and_colour():
    textures = [random_texture(np.random.default_rng(i), 128)
                for i in range(60)]
    for texture in textures:
        assert texture.shape == (128, 128, 3) and texture.dtype == np.float32
        # A little of a picture that was cut to 0..255 may be beyond.
        assert -10 < texture.min() < texture.max() < 265
    brightness = [t.mean() for t in textures]
    contrast = [t.std((0, 1)).mean() for t in textures]
    colour = [np.ptp(t.mean((0, 1))) for t in textures]
    for values, spread in ((brightness, 100), (contrast, 30), (colour, 40)):
        assert np.ptp(values) > spread
    assert 80 < np.mean(brightness) < 170
    assert 5 < min(contrast) < 15


def test_no_detail_is_finer_than_the_texels():
    """Bilinear look-ups between the texels lose little of the contrast."""
    for seed in range(20):
        texture = random_texture(np.random.default_rng(seed), 128)
        halfway = (texture[:, 1:] + texture[:, :-1]) / 2
        assert halfway.var() > 0.9 * texture.var()


def test_equal_random_numbers_draw_equal_textures():
    one, same, other = (
        random_texture(np.random.default_rng(seed), 128)
        for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_pool_renews_its_textures_steadily():
    rng = np.random.default_rng(0)
    pool = TexturePool(128, capacity=3, renewal=0.25)
    drawn = [pool.draw(rng) for _ in range(60)]
    kinds = {id(texture): texture for texture in drawn}  # kept alive by drawn
    assert 3 + 5 < len(kinds) < 3 + 26
    # Without renewal the first three are all.
    fixed = TexturePool(128, capacity=3, renewal=0)
    assert len({id(fixed.draw(rng)) for _ in range(20)}) == 3
    # Without a pool each one is new.
    none = TexturePool(128, capacity=0, renewal=0)
    assert (none.draw(rng) != none.draw(rng)).any()


@pytest.mark.parametrize('radius', [3., 20.])
@pytest.mark.parametrize('blur', [0, 0.7])
def test_masks_are_closed_and_about_as_large_as_said(radius, blur):
    areas = []
    for seed in range(80):
        mask = random_mask(np.random.default_rng(seed), radius, blur)
        side = len(mask)
        assert mask.shape == (side, side) and side % 2 == 1
        border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not border.any()
        assert 0.5 < mask.max() <= 1.001
        areas.append(mask.sum() / 4)  # in pixels
    assert 0.3 < np.median(areas) / (np.pi * radius**2) < 1.5
    assert min(areas) < 0.6 * np.pi * radius**2  # thin ones


def test_blur_softens_the_edge():
    sharp, soft = (
        random_mask(np.random.default_rng(1), 15., blur) for blur in (0, 2))
    partial = [np.mean((m > 0.05) & (m < 0.95)) for m in (sharp, soft)]
    assert partial[1] > 3 * partial[0]
    assert abs(soft.sum() / sharp.sum() - 1) < 0.02


def overlap(mask, points):
    """Intersection over union of a mask and a filled polygon."""
    other = cv2.fillPoly(np.zeros_like(mask), [np.int32(np.rint(points))], 1)
    return (mask & other).sum() / (mask | other).sum()


def kind(mask):
    """Name an outline by its geometry alone."""
    mask = np.uint8(mask > 0.5)
    contours, (links, ) = cv2.findContours(
        mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [c for c, link in zip(contours, links) if link[3] < 0]
    if len(outer) > 1:
        return 'grid'
    outline = outer[0]
    hull = cv2.contourArea(cv2.convexHull(outline))
    filled = cv2.contourArea(outline)
    if filled < 0.4 * hull:
        return 'branches'
    if mask.sum() < 0.9 * filled:
        return 'ring'
    box = cv2.minAreaRect(outline)
    if overlap(mask, cv2.boxPoints(box)) > 0.95 and (
            max(box[1]) > 1.8 * min(box[1])):
        return 'bar'
    middle, axes, angle = cv2.fitEllipse(outline)
    ellipse = cv2.ellipse2Poly(
        np.int32(np.rint(middle)).tolist(),
        np.int32(np.rint(np.array(axes) / 2)).tolist(), int(angle), 0, 360, 2)
    if overlap(mask, ellipse) > 0.965:
        return 'ellipse'
    corners = cv2.approxPolyDP(
        outline, 0.01 * cv2.arcLength(outline, True), True)[:, 0]
    if len(corners) <= 8 and overlap(mask, corners) > 0.97:
        return 'polygon'
    return 'blob'


def test_outlines_are_of_all_kinds():
    number = 300
    found = Counter(kind(random_mask(np.random.default_rng(seed), 60.))
                    for seed in range(number))
    # What a shape is taken for is right for most shapes, not for all.
    for name, share in dict(ellipse=0.17, blob=0.25, polygon=0.25, bar=0.1,
                            ring=0.06, grid=0.07, branches=0.1).items():
        assert 0.4 < found[name] / number / share < 2, (name, found)
