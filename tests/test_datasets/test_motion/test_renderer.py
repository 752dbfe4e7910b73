# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from uftsn_mmaction.datasets.motion.classes import (
    APPEARANCES,
    CLASSES,
    MOTIONS,
    join_label,
    split_label,
)
from uftsn_mmaction.datasets.motion.renderer import MotionRenderer

# What each motion must show on its objects; y points down, so that a
# clockwise turn has a positive curl dv/dx - du/dy.
EXPECTED = {
    'left': ('u', -1),
    'right': ('u', 1),
    'up': ('v', -1),
    'down': ('v', 1),
    'clockwise': ('curl', 1),
    'counterclockwise': ('curl', -1),
    'zoom_in': ('divergence', 1),
    'zoom_out': ('divergence', -1),
}


def _interior(mask):
    return cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _render(seed, motion, appearance=0, **kwargs):
    return MotionRenderer(**kwargs).render(
        np.random.default_rng(seed), motion, appearance)


@pytest.mark.parametrize('motion', range(len(MOTIONS)))
def test_objects_move_as_their_class_says(motion):
    name = tuple(MOTIONS)[motion]
    for seed in range(3):
        clip = _render(seed, motion)
        for flow, mask in zip(clip.flow[::5], clip.object_mask[::5]):
            (du_dy, du_dx), (dv_dy, dv_dx) = (np.gradient(c) for c in flow)
            fields = dict(
                u=flow[0],
                v=flow[1],
                curl=dv_dx - du_dy,
                divergence=du_dx + dv_dy)
            # The median skips the lines where two objects meet.
            inside = _interior(mask)
            medians = {k: np.median(v[inside]) for k, v in fields.items()}
            kind, sign = EXPECTED[name]
            assert sign * medians[kind] > (1 if kind in 'uv' else 0.08)
            # No other motion is mixed in; u and v of a turn or a zoom depend
            # on which part of the object is in view.
            others = set(medians) - {kind}
            if kind not in 'uv':
                others -= {'u', 'v'}
            assert all(abs(medians[k]) < 0.03 for k in others), medians


@pytest.mark.parametrize('motion', range(len(MOTIONS)))
def test_flow_takes_frames_back(motion, warp_error):
    clip = _render(5, motion, num_frames=6)
    with_flow, without = warp_error(clip.frames, clip.flow)
    # What remains are occluded and leaving pixels.
    assert with_flow < 0.5 * without
    # Where a pixel stays in view, bilinear sampling is all that is left.
    y, x = np.indices(clip.flow.shape[-2:], dtype=np.float32)
    for t, (u, v) in enumerate(clip.flow):
        warped = cv2.remap(
            clip.frames[t + 1].astype(np.float32), x + u, y + v,
            cv2.INTER_LINEAR)
        error = np.abs(warped - clip.frames[t]).mean(-1)
        assert np.median(error) < 2


def test_motion_is_sub_pixel_and_about_as_fast_as_promised():
    flows = np.concatenate(
        [_render(100 + i, i % 8, num_frames=4).flow for i in range(48)])
    speed = np.hypot(flows[:, 0], flows[:, 1])
    assert 1.0 < speed.mean() < 1.4
    fraction = np.abs(flows - np.rint(flows))
    assert 0.2 < fraction.mean() < 0.3  # 0.25 if evenly spread


def test_equal_states_render_equal_clips():
    one, two, other = _render(3, 2), _render(3, 2), _render(4, 2)
    np.testing.assert_array_equal(one.frames, two.frames)
    np.testing.assert_array_equal(one.flow, two.flow)
    assert (one.frames != other.frames).mean() > 0.5


def test_tint_swaps_red_and_blue_and_leaves_flow_alone():
    warm, cool = _render(7, 4, 0), _render(7, 4, 1)
    np.testing.assert_array_equal(warm.flow, cool.flow)
    for one, two, mask in zip(warm.frames, cool.frames, warm.object_mask):
        inside = _interior(mask)
        np.testing.assert_array_equal(one[inside], two[inside][:, ::-1])
        outside = _interior(~mask)
        np.testing.assert_array_equal(one[outside], two[outside])
        assert np.all(one[inside].mean(0)[[0, 2]] @ [1, -1] > 20)


def test_one_frame_does_not_know_the_motion():
    """Position and size of an object in a random frame, over many clips."""
    renderer = MotionRenderer()
    clips = 400
    looks = []
    for motion in range(len(MOTIONS)):
        poses = []
        for seed in range(clips):
            # Independent clips for each motion.
            rng = np.random.default_rng([motion, seed])
            _, track = renderer._object_tracks(rng, motion)[0]
            t = rng.integers(renderer.num_frames)
            poses.append([*track.centre[t], np.log(track.scale[t])])
        looks.append(np.array(poses))
    looks = np.stack(looks)  # (motions, clips, 3)
    mean, std = looks.mean(1), looks.std(1)
    # Four standard errors of a mean, and of the spread.
    assert np.all(np.ptp(mean, 0) / std.mean(0) < 8 / np.sqrt(clips))
    assert np.all(np.ptp(std, 0) / std.mean(0) < 8 / np.sqrt(2 * clips))


def test_labels_are_motion_times_two_plus_tint():
    assert len(CLASSES) == 16 and len(set(CLASSES)) == 16
    for label, name in enumerate(CLASSES):
        motion, appearance = split_label(label)
        assert label == 2 * motion + appearance
        assert label == join_label(motion, appearance)
        assert name == (f'{list(MOTIONS)[motion]}-'
                        f'{list(APPEARANCES)[appearance]}')
    assert _render(0, 3, 1, num_frames=2).label == 7


def test_size_need_not_be_square_and_shapes_are_as_said():
    clip = _render(0, 6, size=(48, 80), num_frames=5)
    assert clip.frames.shape == (5, 48, 80, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.flow.shape == (4, 2, 48, 80)
    assert clip.flow.dtype == np.float32
    assert clip.object_mask.shape == (5, 48, 80)


@pytest.mark.parametrize('bad, word', [
    (dict(size=(64, 16)), r'size .*\(64, 16\)'),
    (dict(num_frames=1), 'num_frames .*1'),
    (dict(speed=0), 'speed .*0'),
    (dict(num_frames=40), 'num_frames 40'),
])
def test_settings_out_of_range_are_named(bad, word):
    with pytest.raises(ValueError, match=word):
        MotionRenderer(**bad)
