# SPDX-License-Identifier: Apache-2.0
"""Frames and settings that cached flow refuses."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from uftsn_mmaction.datasets import CachedFlow
from uftsn_mmaction.models.flow import FlowEstimator


@pytest.mark.parametrize('before', [
    dict(type='RandomCrop', size=16),
    dict(type='CenterCrop', crop_size=16),
    dict(type='ThreeCrop', crop_size=24),
    dict(type='Flip', flip_ratio=0.0),
    dict(type='Resize', scale=(16, 16), lazy=True),
])
def test_crops_and_flips_come_later(build, before, make_frames, results_of):
    results = TRANSFORMS.build(before)(results_of(make_frames(3)))
    with pytest.raises(ValueError, match='CachedFlow.*before'):
        build()(results)


def test_frames_may_be_resized_before_but_not_after(
        build, count, make_frames, results_of):
    resize = TRANSFORMS.build(
        dict(type='Resize', scale=(16, 12), keep_ratio=False))
    results = build()(resize(results_of(make_frames(3))))
    assert results['imgs'][0].shape == (12, 16, 2)
    TRANSFORMS.build(dict(type='FormatFlow'))(results)
    results = resize(build()(results_of(make_frames(3))))
    with pytest.raises(ValueError, match='ResizeFlow'):
        TRANSFORMS.build(dict(type='FormatFlow'))(results)


@pytest.mark.parametrize('change, words', [
    (dict(clip_len=1, num_clips=3), 'clip_len is 1'),
    (dict(clip_len=2), 'expects 2 frames .* got 3'),
    (dict(img_shape=(24, 30)), r'3 of .*\(24, 32, 3\)'),
    (dict(imgs=[np.zeros((24, 32, 2), np.uint8)] * 3), r'\(24, 32, 2\)'),
    (dict(imgs=[np.zeros((24, 32, 3))] * 3), 'float64'),
])
def test_what_is_no_clip_is_refused(
        build, change, words, make_frames, results_of):
    with pytest.raises(ValueError, match=words):
        build()(dict(results_of(make_frames(3)), **change))


class Bad(FlowEstimator):

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def estimate_levels(self, x, backward=False):
        flow = x.new_zeros(1, 2, 1, *x.shape[-2:])
        if self.kind == 'coarse':
            return (flow[..., ::2, ::2], )
        flow[..., 3, 5] = float(self.kind)
        return (flow, )


@pytest.mark.parametrize('bad, words', [
    ('nan', 'not finite'),
    ('inf', 'not finite'),
    ('coarse', r'\(1, 2, 1, 12, 16\).*out_indices'),
])
def test_flow_that_is_none_is_not_stored(
        tmp_path, bad, words, make_frames, results_of):
    transform = CachedFlow(dict(type=Bad, kind=bad), str(tmp_path))
    with pytest.raises(ValueError, match=words):
        transform(results_of(make_frames(3)))
    assert not list(tmp_path.rglob('*.flow'))
