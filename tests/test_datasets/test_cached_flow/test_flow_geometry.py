# SPDX-License-Identifier: Apache-2.0
"""Flow that is flipped, resized and cropped stays the flow of its frames."""
import random

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose


def gradient_flow(first, second):
    """A stand-in for an estimator that treats left and right alike.

    It turns with the frames as flow does: u changes its sign when they are
    mirrored, v when they are turned upside down.
    """
    first, second = (frame.astype(np.float32).mean(2)
                     for frame in (first, second))
    v, u = np.gradient(first)
    return np.stack((u, v), 2) * (1 + second[..., None] / 255)


def frames(number=3, height=20, width=30):
    return [
        image for image in np.random.RandomState(0).randint(
            0, 256, (number, height, width, 3)).astype(np.uint8)
    ]


def results_of(images, **more):
    return dict(
        imgs=[image.copy() for image in images],
        img_shape=images[0].shape[:2],
        modality='RGB',
        num_clips=1,
        clip_len=3,
        label=0,
        **more)


def flows_of(images):
    return [gradient_flow(*pair) for pair in zip(images, images[1:])]


def seed(number):
    np.random.seed(number)
    random.seed(number)


def run(transform, results):
    return TRANSFORMS.build(transform)(results)


@pytest.fixture
def flow_images(tmp_path):
    """8-bit flow on disk, as ``RawFrameDecode`` reads it: x and y, four
    frames, 128 is no motion."""
    images = np.random.RandomState(0).randint(
        0, 256, (4, 2, 12, 17)).astype(np.uint8)
    for t, pair in enumerate(images, 1):
        for name, image in zip('xy', pair):
            cv2.imwrite(str(tmp_path / f'{name}_{t:05}.png'), image)
    return tmp_path, images


def test_stock_flip_is_wrong_for_flow_and_ours_is_right(flow_images):
    folder, stored = flow_images
    results = Compose([dict(type='RawFrameDecode')])(
        dict(
            frame_dir=str(folder),
            filename_tmpl='{}_{:05}.png',
            frame_inds=np.arange(1, 5),
            modality='Flow'))
    images = results['imgs']
    assert images[0].shape == (12, 17, 2)
    flow = [image.astype(np.float32) - 127.5 for image in images]

    stock = run(dict(type='Flip', flip_ratio=1.0), results)['imgs']
    ours = run(
        dict(type='FlipFlow', flip_ratio=1.0), results_of(flow))['imgs']
    for t, (x, y) in enumerate(stored):
        mirrored = np.stack((x[:, ::-1], y[:, ::-1]), 2)
        # Both channels of every second frame, and none of the others.
        np.testing.assert_array_equal(
            stock[t], 255 - mirrored if t % 2 == 0 else mirrored)
        right = np.stack((255 - x[:, ::-1], y[:, ::-1]), 2)
        assert not np.array_equal(stock[t], right)
        np.testing.assert_array_equal(ours[t] + 127.5, right)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
def test_flipped_flow_is_the_flow_of_flipped_frames(direction):
    images = frames()
    flip = dict(flip_ratio=1.0, direction=direction)
    flipped = run(dict(type='Flip', **flip), results_of(images))['imgs']
    before = results_of(flows_of(images))
    originals = [flow.copy() for flow in before['imgs']]
    held = before['imgs'][:]
    found = run(dict(type='FlipFlow', **flip), before)['imgs']
    for flow, expected in zip(found, flows_of(flipped)):
        assert flow.dtype == np.float32
        np.testing.assert_allclose(flow, expected, atol=1e-4)
    # Other clips may share them.
    for flow, original in zip(held, originals):
        np.testing.assert_array_equal(flow, original)


def test_clips_are_flipped_as_often_as_frames_are():
    """The same draws as stock: runs on cached and live flow see the same."""
    images = frames()
    ours, stock = (
        TRANSFORMS.build(dict(type=name, flip_ratio=0.3))
        for name in ('FlipFlow', 'Flip'))
    flips = []
    for seed in range(40):
        np.random.seed(seed)
        found = ours(results_of(flows_of(images)))['imgs'][0]
        np.random.seed(seed)
        flipped = stock(results_of(images))['flip']
        flips.append(flipped)
        expected = flows_of(images)[0]
        assert np.array_equal(found, expected) == (not flipped)
    assert 4 < sum(flips) < 20


def test_left_and_right_classes_change_places():
    flip = dict(type='FlipFlow', flip_ratio=1.0, flip_label_map={0: 7})
    assert run(flip, results_of(flows_of(frames())))['label'] == 7


@pytest.mark.parametrize('scale, size', [((60, 40), (40, 60)),
                                         ((15, 40), (40, 15)),
                                         ((15, 10), (10, 15))])
def test_resized_flow_is_in_pixels_of_the_new_size(scale, size):
    """A pixel and where it goes stay together."""
    y, x = np.indices((20, 30), dtype=np.float32)
    flow = np.stack((0.5 + 0.1 * x, 2 - 0.2 * y), 2)
    results = run(
        dict(type='ResizeFlow', scale=scale, keep_ratio=False),
        results_of([flow, flow]))
    assert results['img_shape'] == size
    sx, sy = size[1] / 30, size[0] / 20
    y, x = np.indices(size, dtype=np.float32)
    # Pixel centres of the new image in the old one.
    x, y = (x + 0.5) / sx - 0.5, (y + 0.5) / sy - 0.5
    expected = np.stack((sx * (0.5 + 0.1 * x), sy * (2 - 0.2 * y)), 2)
    inner = (slice(2, -2), slice(2, -2))
    for found in results['imgs']:
        assert found.shape == (*size, 2) and found.dtype == np.float32
        np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)


@pytest.mark.parametrize('crop', [
    dict(type='RandomCrop', size=12),
    dict(type='CenterCrop', crop_size=(14, 12)),
    dict(
        type='MultiScaleCrop',
        input_size=16,
        scales=(1, 0.8),
        random_crop=False,
        max_wh_scale_gap=1),
])
def test_stock_crops_take_the_same_part_of_frames_and_flow(crop):
    """The first flow holds the channel sums of the first frame."""
    images = frames()
    sums = [image.sum(2, dtype=np.float32) for image in images[:2]]
    flow = [np.stack((image, -image), 2) for image in sums]
    steps = [
        crop, dict(type='FlipFlow', flip_ratio=0.0),
        dict(type='FormatFlow')
    ]
    seed(3)
    cropped = run(crop, results_of(images))['imgs']
    seed(3)
    results = Compose(steps)(results_of(flow))
    height, width = cropped[0].shape[:2]
    assert results['imgs'].shape == (1, 2, 2, height, width)
    assert results['imgs'].dtype == np.float32
    for t in range(2):
        expected = cropped[t].sum(2, dtype=np.float32)
        np.testing.assert_array_equal(results['imgs'][0, 0, t], expected)
        np.testing.assert_array_equal(results['imgs'][0, 1, t], -expected)


def test_layout_of_several_clips_and_crops():
    flows = [np.full((20, 30, 2), t, np.float32) for t in range(6)]
    for flow in flows:
        flow[..., 1] += 100
    results = dict(results_of(flows), num_clips=3)
    results = Compose([
        dict(type='ThreeCrop', crop_size=20),
        dict(type='FormatFlow')
    ])(results)
    # 3 crops x 3 clips, u and v, 2 flows a clip
    assert results['imgs'].shape == (9, 2, 2, 20, 20)
    assert results['input_shape'] == (9, 2, 2, 20, 20)
    assert results['clip_len'] == 3
    for crop in range(3):
        for clip in range(3):
            u, v = results['imgs'][3 * crop + clip, :, :, 0, 0]
            assert u.tolist() == [2 * clip, 2 * clip + 1]
            assert v.tolist() == [2 * clip + 100, 2 * clip + 101]


@pytest.mark.parametrize('stock, words', [
    (dict(type='Flip', flip_ratio=0.0), 'FlipFlow'),
    (dict(type='Flip', flip_ratio=1.0), 'FlipFlow'),
    (dict(type='Resize', scale=(16, 16), keep_ratio=False), 'ResizeFlow'),
    (dict(type='RandomRescale', scale_range=(16, 18)), 'ResizeFlow'),
    (dict(type='TenCrop', crop_size=12), 'TenCrop'),
])
@pytest.mark.parametrize('between', [
    [], [dict(type='FlipFlow')],
    [dict(type='ResizeFlow', scale=(12, 12), keep_ratio=False)]])
def test_stock_transforms_that_spoil_flow_are_noticed(stock, words, between):
    pipeline = Compose([stock, *between, dict(type='FormatFlow')])
    with pytest.raises(ValueError, match=words):
        pipeline(results_of(flows_of(frames())))


@pytest.mark.parametrize('transform', [
    dict(type='FlipFlow'),
    dict(type='ResizeFlow', scale=(8, 8)),
    dict(type='FormatFlow'),
])
@pytest.mark.parametrize('images', [
    frames(2),
    [image[..., :2] for image in frames(2)],
])
def test_frames_are_no_flow(transform, images):
    with pytest.raises(ValueError, match='CachedFlow'):
        run(transform, results_of(images))


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(0, 11),
    st.integers(0, 11), st.sampled_from(['horizontal', 'vertical']),
    st.integers(0, 99))
def test_flips_and_crops_of_any_flow(height, width, top, left, direction,
                                     number):
    """Twice is not at all, and a crop of the mirror is the mirrored crop."""
    rng = np.random.RandomState(number)
    flow = rng.randn(height, width, 2).astype(np.float32)
    flip = dict(type='FlipFlow', flip_ratio=1.0, direction=direction)

    def flipped(image):
        return run(flip, results_of([image]))['imgs'][0]

    once = flipped(flow)
    np.testing.assert_array_equal(flipped(once), flow)
    channel = 0 if direction == 'horizontal' else 1
    assert once[..., channel].sum() == pytest.approx(
        -flow[..., channel].sum(), abs=1e-4)
    rows = slice(top % height, None), slice(left % width, None)
    mirrored = (slice(0, height - top % height) if channel else rows[0],
                rows[1] if channel else slice(0, width - left % width))
    np.testing.assert_array_equal(flipped(flow[rows]), once[mirrored])
