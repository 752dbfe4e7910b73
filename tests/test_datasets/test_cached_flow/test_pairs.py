# SPDX-License-Identifier: Apache-2.0
"""Flow is computed once for each pair, and again when anything differs."""
import os

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from torch.utils.data import DataLoader

from uftsn_mmaction.datasets import CheckedVideoDataset
from uftsn_mmaction.datasets.motion.video_writer import write_video


def test_flows_are_those_of_subsequent_frames(build, make_frames, results_of):
    frames = make_frames()[[0, 2, 4, 1, 2, 3]]  # two clips
    results = build()(results_of(frames))
    assert len(results['imgs']) == 4
    grey = frames.mean(3) / 255
    for flow, (t, s) in zip(results['imgs'],
                            [(0, 1), (1, 2), (3, 4), (4, 5)]):
        assert flow.shape == (24, 32, 2) and flow.dtype == np.float32
        np.testing.assert_allclose(flow[..., 0], grey[t], atol=1 / 120)
        np.testing.assert_allclose(flow[..., 1], grey[s], atol=1 / 120)
    assert results['clip_len'] == 3 and results['num_clips'] == 2


def test_clips_share_the_pairs_that_they_have_in_common(
        build, count, make_frames, results_of):
    frames = make_frames()
    flow = build()(results_of(frames[:4], 4))['imgs']
    assert count() == 3
    # Starts one frame later; in another process there is another object.
    later = build()(results_of(frames[1:5], 4))['imgs']
    assert count() == 1
    np.testing.assert_array_equal(later[:2], flow[1:])
    build()(results_of(frames[:5], 5))
    assert count() == 0
    build()(results_of(frames[:5:2]))  # another interval
    assert count() == 2
    build()(results_of(frames[4::-1], 5))  # backwards
    assert count() == 4


def decoded(path):
    """Frames of a video file, as a pipeline decodes them."""
    results = dict(
        filename=str(path), start_index=0, modality='RGB', label=0)
    for step in (dict(type='DecordInit'),
                 dict(type='SampleFrames', clip_len=3, test_mode=True),
                 dict(type='DecordDecode')):
        results = TRANSFORMS.build(step)(results)
    return results


def test_a_moved_video_is_found_and_a_changed_one_is_not(
        build, count, tmp_path, make_frames):
    write_video(str(tmp_path / 'a.avi'), make_frames())
    flow = build()(decoded(tmp_path / 'a.avi'))['imgs']
    assert count() == 2
    (tmp_path / 'moved').mkdir()
    os.rename(tmp_path / 'a.avi', tmp_path / 'moved' / 'b.avi')
    os.utime(tmp_path / 'moved' / 'b.avi', (1, 1))
    again = build()(decoded(tmp_path / 'moved' / 'b.avi'))['imgs']
    assert count() == 0
    np.testing.assert_array_equal(again, flow)
    write_video(str(tmp_path / 'a.avi'), make_frames(seed=1))
    other = build()(decoded(tmp_path / 'a.avi'))['imgs']
    assert count() == 2
    assert not np.array_equal(other, flow)


def test_anything_that_changes_the_flow_changes_the_key(
        build, stubs, count, monkeypatch, make_frames, results_of):
    frames = make_frames(3)
    changes = [
        lambda: build()(results_of(frames)),
        lambda: build(gain=2.0)(results_of(frames)),
        lambda: build(step=1 / 32)(results_of(frames)),
        # The same bytes in frames of another size.
        lambda: build()(results_of(frames.reshape(3, 32, 24, 3))),
        lambda: build(kind=stubs.weights, start=1.0)(results_of(frames)),
        lambda: build(kind=stubs.weights, start=2.0)(results_of(frames)),
    ]
    for change in changes:
        change()
        assert count() == 2
    for change in changes:
        change()
        assert count() == 0
    monkeypatch.setattr(cv2, '__version__', '99.0')
    changes[0]()
    assert count() == 2


def test_what_a_preset_came_to_is_in_the_key(build, stubs, monkeypatch):
    before = build().cache.folder
    assert build().cache.folder == before
    monkeypatch.setattr(stubs.plain, 'extra_repr', lambda self: 'warps=1')
    assert build().cache.folder != before


@pytest.mark.parametrize(
    'method', ['fork', pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers_share_a_cache(tmp_path, method, make_frames):
    if method not in torch.multiprocessing.get_all_start_methods():
        pytest.skip(f'no {method} here')
    write_video(str(tmp_path / 'a.avi'), make_frames(6, (32, 40)))
    (tmp_path / 'list.txt').write_text('a.avi 0\n' * 6)

    def load(folder, **workers):
        return [
            sample['inputs'] for sample in DataLoader(
                CheckedVideoDataset(
                    str(tmp_path / 'list.txt'), [
                        dict(type='DecordInit'),
                        dict(
                            type='SampleFrames',
                            clip_len=4,
                            num_clips=3,
                            test_mode=True),
                        dict(type='DecordDecode'),
                        dict(
                            type='CachedFlow',
                            estimator=dict(
                                type='TVL1FlowEstimator', preset='fast'),
                            cache_dir=str(tmp_path / folder)),
                        dict(type='FormatFlow'),
                        dict(type='PackActionInputs')
                    ],
                    data_prefix=dict(video=str(tmp_path)),
                    test_mode=True), None, **workers)
        ]

    found = load('cache', num_workers=2, multiprocessing_context=method)
    files = [path for path in (tmp_path / 'cache').rglob('*.*')
             if path.is_file()]
    # Five pairs of six frames, whoever was first.
    assert [path.suffix for path in files] == ['.flow'] * 5
    expected, *_ = load('other')
    assert expected.shape == (3, 2, 3, 32, 40) and len(found) == 6
    assert all(torch.equal(inputs, expected) for inputs in found)


def test_folder_and_printout_name_the_estimator(build):
    assert 'cache/Stub-' in repr(build()) and 'step=0.015625' in repr(build())
