# SPDX-License-Identifier: Apache-2.0
"""OpenCV's solvers get what they are told, on any number of threads."""
import threading

import cv2
import numpy as np
import pytest
import torch
from processes import HANG
from torch.utils.data import DataLoader

from uftsn_mmaction.models.other_flows import (
    DISFlowEstimator,
    TVL1FlowEstimator,
)

pytestmark = pytest.mark.usefixtures('one_thread')


def grey_frames(clip):
    rgb = (clip[0] * 255).round().byte().permute(1, 2, 3, 0).numpy()
    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in rgb]


@pytest.mark.parametrize('estimator, reference', [
    (TVL1FlowEstimator, lambda: cv2.optflow.DualTVL1OpticalFlow_create()),
    (DISFlowEstimator, lambda: cv2.DISOpticalFlow_create(2)),
    (lambda: DISFlowEstimator('ultrafast'),
     lambda: cv2.DISOpticalFlow_create(0)),
    (lambda: DISFlowEstimator('fast'), lambda: cv2.DISOpticalFlow_create(1)),
], ids=['tvl1', 'dis', 'dis ultrafast', 'dis fast'])
def test_equals_opencv_at_its_defaults(estimator, reference, moving_texture):
    clip = moving_texture((2, -1), height=32, width=40)
    expected = reference().calc(*grey_frames(clip), None)
    flow = estimator()(clip)
    np.testing.assert_array_equal(flow[0, :, 0].permute(1, 2, 0), expected)


def test_settings_of_tvl1_reach_opencv():
    solver = TVL1FlowEstimator(preset='fast', num_warps=3)._build_solver()
    assert solver.getWarpingsNumber() == 3
    assert solver.getOuterIterations() == 2
    assert solver.getInnerIterations() == 10
    assert solver.getLambda() == 0.15


def test_settings_of_dis_reach_opencv():
    estimator = DISFlowEstimator(
        'fast', patch_stride=2, variational_alpha=7.5,
        mean_normalization=False)
    solver = estimator._build_solver()
    assert solver.getPatchStride() == 2
    assert solver.getVariationalRefinementAlpha() == 7.5
    assert solver.getUseMeanNormalization() is False
    assert solver.getGradientDescentIterations() == 16
    assert estimator.settings['patch_stride'] == 2
    assert estimator.settings['gradient_descent_iterations'] == 16


@pytest.mark.parametrize('estimator', [
    lambda **kwargs: TVL1FlowEstimator(preset='fast', **kwargs),
    DISFlowEstimator
], ids=['tvl1', 'dis'])
@pytest.mark.parametrize('workers', [1, 2, 5])
def test_results_do_not_depend_on_the_workers(estimator, workers,
                                              moving_texture):
    clip = torch.cat([
        moving_texture((n - 1, 0.5 * n), frames=3, seed=n) for n in range(3)
    ])
    expected = estimator()(clip)
    assert torch.equal(estimator(num_workers=workers)(clip), expected)


def test_workers_share_no_solver_and_end_with_the_batch(
        monkeypatch, moving_texture):
    estimator = TVL1FlowEstimator(preset='fast', num_workers=2)
    meeting = threading.Barrier(2, timeout=HANG)
    solvers = {}

    class Solver:

        def calc(self, first, second, flow):
            # Comes back only if another thread solves at the same time.
            meeting.wait()
            solvers.setdefault(threading.get_ident(), set()).add(id(self))
            return np.zeros((*first.shape, 2), np.float32)

    monkeypatch.setattr(estimator, '_build_solver', Solver)
    before = threading.active_count()
    estimator(moving_texture((0, 0), frames=5))
    assert len(solvers) == 2
    ids = [one for of_thread in solvers.values() for one in of_thread]
    assert len(ids) == len(set(ids)) == 2
    assert threading.active_count() == before


@pytest.mark.parametrize('start', ['fork', 'spawn'])
def test_workers_serve_inside_the_processes_of_a_loader(start,
                                                        moving_texture):
    clips = torch.cat([
        moving_texture((n, 0), frames=3, seed=n) for n in range(2)
    ])
    estimator = DISFlowEstimator(num_workers=2)
    # Its threads are gone by the time of the fork.
    expected = estimator(clips)
    loader = DataLoader(
        [clips[:1], clips[1:]],
        batch_size=None,
        collate_fn=estimator,
        num_workers=1,
        multiprocessing_context=start,
        timeout=HANG)
    assert torch.equal(torch.cat(list(loader)), expected)


def test_low_frames_do_not_end_the_process(moving_texture):
    """OpenCV reads beyond them."""
    low = moving_texture((0, 0), frames=2, height=14, width=200)
    with pytest.raises(ValueError, match='14x200.*32'):
        DISFlowEstimator()(low)
    low = moving_texture((0, 0), frames=2, height=40, width=200)
    assert DISFlowEstimator(finest_scale=2)(low).isfinite().all()
    for settings in (dict(finest_scale=3),
                     dict(finest_scale=2, patch_size=16)):
        with pytest.raises(ValueError, match='64.*finest_scale'):
            DISFlowEstimator(**settings)(low)
        narrow = low.transpose(-1, -2)
        if settings['finest_scale'] > 2:
            with pytest.raises(ValueError, match='200x40.*64'):
                DISFlowEstimator(**settings)(narrow)
    high = moving_texture((0, 0), frames=2, height=200, width=14)
    assert DISFlowEstimator()(high).isfinite().all()


def test_a_failure_in_a_worker_is_told(moving_texture):
    small = moving_texture((0, 0), frames=4, height=6, width=6)
    for workers in (0, 2):
        with pytest.raises(ValueError, match=r'DISFlowEstimator.*\(6, 6\)'):
            DISFlowEstimator(num_workers=workers)(small)


@pytest.mark.parametrize('estimator, settings', [
    (TVL1FlowEstimator, dict(preset='slow')),
    (DISFlowEstimator, dict(preset='slow')),
    (DISFlowEstimator, dict(num_workers=-1)),
    (DISFlowEstimator, dict(num_workers=1.5)),
    (DISFlowEstimator, dict(patch_size=0)),
    (DISFlowEstimator, dict(patch_size=17)),
    (DISFlowEstimator, dict(patch_size=7.5)),
    (DISFlowEstimator, dict(patch_stride=9)),
    (DISFlowEstimator, dict(finest_scale=-1)),
    (TVL1FlowEstimator, dict(median_filtering=4)),
    (TVL1FlowEstimator, dict(theta=0)),
    (TVL1FlowEstimator, dict(tau=float('nan'))),
    (TVL1FlowEstimator, dict(num_warps='5')),
    (TVL1FlowEstimator, dict(scale_step=1.5)),
    (TVL1FlowEstimator, dict(out_indices=(-1, ))),
])
def test_bad_values(estimator, settings):
    (name, value), = settings.items()
    with pytest.raises(ValueError, match=name) as caught:
        estimator(**settings)
    assert repr(value) in str(caught.value)
    assert estimator.__name__ in str(caught.value)


@pytest.mark.parametrize('settings', [dict(patch_size=2),
                                      dict(patch_size=4, patch_stride=5)])
def test_patches_leave_no_gaps(settings):
    """OpenCV writes beyond its buffers between them."""
    with pytest.raises(ValueError, match='patch_stride.*patch_size'):
        DISFlowEstimator(**settings)
    DISFlowEstimator(**settings | dict(patch_stride=2))


@pytest.mark.parametrize('estimator, known', [(TVL1FlowEstimator, 'tau'),
                                              (DISFlowEstimator,
                                               'patch_size')])
def test_unknown_settings(estimator, known):
    with pytest.raises(TypeError, match='nscales') as caught:
        estimator(nscales=3)
    assert known in str(caught.value)


def test_missing_contrib_module(monkeypatch):
    monkeypatch.delattr(cv2, 'optflow')
    with pytest.raises(ImportError, match='opencv-contrib-python'):
        TVL1FlowEstimator()
