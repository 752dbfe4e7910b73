# SPDX-License-Identifier: Apache-2.0
"""TV-Net with fixed parameters is TV-L1."""
import mmcv
import numpy as np
import pytest
import torch

from uftsn_mmaction.datasets.motion.renderer import MotionRenderer
from uftsn_mmaction.evaluation import EndPointError
from uftsn_mmaction.evaluation.end_point_error import end_point_error
from uftsn_mmaction.models.other_flows import (
    TVL1FlowEstimator,
    TVNetFlowEstimator,
)

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def generated():
    """Pairs with objects in front of a background, and their true flow."""
    rng = np.random.default_rng(0)
    renderer = MotionRenderer(size=(64, 64), num_frames=2, speed=2.)
    clips = [renderer.render(rng, label, label % 2) for label in range(8)]
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips]))
    flow = torch.from_numpy(np.stack([clip.flow for clip in clips]))
    # N x T x H x W x 3 -> N x 3 x T x H x W
    return frames.permute(0, 4, 1, 2, 3) / 255, flow.transpose(1, 2)


def faded(clip):
    """Grey 8-bit frames on a black ground, where both treat edges alike."""
    height, width = clip.shape[-2:]
    window = (torch.hann_window(height).view(-1, 1).sqrt() *
              torch.hann_window(width).sqrt())
    window = ((window - 0.4) / 0.6).clamp(min=0)
    grey = (clip[:, 1:2] * window * 255).round() / 255
    return grey.expand(-1, 3, -1, -1, -1).contiguous()


@pytest.mark.parametrize('settings', [
    dict(num_scales=1, num_warps=1, median_filtering=1),
    dict(num_scales=1, num_warps=3, median_filtering=3),
    dict(num_scales=2, num_warps=2, median_filtering=5),
    dict(num_scales=1, num_warps=2, median_filtering=5, lambda_=0.05,
         theta=0.2, tau=0.2),
])
def test_an_iteration_is_that_of_opencv(generated, settings):
    """Without its stop, OpenCV does a fixed number of iterations, too."""
    clip = faded(generated[0])
    expected = TVL1FlowEstimator(
        epsilon=0, outer_iterations=1, scale_step=0.5, **settings)(clip)
    flow = TVNetFlowEstimator(**settings)(clip)
    assert expected.abs().max() > 0.5
    difference = (flow - expected).abs()
    # OpenCV rounds the coordinates of a warp to 1/32 of a pixel, and its
    # releases differ in the interpolation between them.
    assert difference.mean() < 3e-3
    if settings['num_warps'] == 1:
        assert difference.max() < 1e-4


@pytest.mark.parametrize('settings', [
    dict(),
    # OpenCV's, but for its stopping criterion.
    dict(scale_step=0.8, num_iterations=60, median_filtering=5)
])
def test_is_as_accurate_as_opencv_on_generated_motion(generated, settings):
    clip, truth = generated
    reference = end_point_error(TVL1FlowEstimator()(clip), truth).mean()
    error = end_point_error(TVNetFlowEstimator(**settings)(clip), truth).mean()
    assert error < 1.15 * reference
    assert error < 0.25 * truth.square().sum(1).sqrt().mean()


@pytest.mark.slow
def test_is_as_accurate_as_opencv_on_real_frames(repo_root):
    root = repo_root / 'data' / 'flow'
    if not (root / 'pairs_with_gt.txt').is_file():
        pytest.skip(f'no pairs of the Middlebury benchmark in {root}')
    errors = []
    for name in ('RubberWhale', 'Venus'):
        folder = root / 'middlebury' / name
        frames = np.stack([
            mmcv.imread(str(folder / f'frame{n}.png'), channel_order='rgb')
            for n in (10, 11)
        ])
        clip = torch.from_numpy(frames).permute(3, 0, 1, 2)[None] / 255
        truth = mmcv.flowread(str(folder / 'flow10.flo'))
        truth = torch.from_numpy(truth).permute(2, 0, 1)[None, :, None]
        metric = EndPointError()
        for estimator in (TVL1FlowEstimator(), TVNetFlowEstimator(),
                          TVNetFlowEstimator(
                              scale_step=0.8,
                              num_iterations=60,
                              median_filtering=5)):
            metric.process(None,
                           [dict(pred_flow=estimator(clip), gt_flow=truth)])
        errors.append([metric.compute_metrics([result])['AEPE']
                       for result in metric.results])
    reference, *means = np.mean(errors, axis=0)
    assert max(means) < 1.15 * reference


@pytest.mark.parametrize('width', [33, 48, 56, 91])
def test_rounding_does_not_grow_from_warp_to_warp(moving_texture, width):
    """With black beyond the edge it grew fourfold with each of them."""
    clip = moving_texture((0, 0), width=width)
    assert TVNetFlowEstimator(num_warps=8)(clip).abs().max() < 1e-3


def test_a_pair_does_not_depend_on_its_batch(generated):
    clip, _ = generated
    estimator = TVNetFlowEstimator(num_warps=2)
    together = estimator(clip)
    for n in (0, 5):
        torch.testing.assert_close(
            estimator(clip[n:n + 1]), together[n:n + 1], atol=1e-3, rtol=0.)


def test_large_motion_takes_scales(moving_texture):
    clip = moving_texture((9, 0), height=80, width=96)

    def error(num_scales):
        flow = TVNetFlowEstimator(num_scales=num_scales)(clip)
        return (flow[:, 0, :, 20:-20, 20:-20] - 9).abs().mean()

    assert error(3) < 0.3 < 3 < error(1)


@pytest.mark.parametrize('size, sides', [((64, 80), [64, 32, 16]),
                                         ((33, 40), [33, 16]), ((9, 9), [9])])
def test_scales_end_at_16_pixels(size, sides):
    pyramid = TVNetFlowEstimator()._pyramid(torch.rand(1, 2, *size))
    assert [frames.shape[-2] for frames in pyramid] == sides


def test_less_weight_on_the_data_gives_smoother_flow(generated):

    def variation(lambda_):
        flow = TVNetFlowEstimator(lambda_=lambda_)(generated[0])
        return flow.diff(dim=-1).abs().mean() + flow.diff(dim=-2).abs().mean()

    assert variation(0.02) < 0.8 * variation(0.15) < variation(0.5)


def test_what_has_left_the_frame_follows_its_neighbours(moving_texture):
    clip = moving_texture((3, 0))
    flow = TVNetFlowEstimator()(clip)
    assert (flow[:, 0, :, :, -3:] - 3).abs().mean() < 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_gives_the_same_flow(generated):
    clip, truth = generated
    estimator = TVNetFlowEstimator()
    expected = estimator(clip)
    flow = estimator.cuda()(clip.cuda())
    assert flow.is_cuda
    assert (flow.cpu() - expected).abs().mean() < 0.01


@pytest.mark.parametrize('settings', [
    dict(num_scales=0),
    dict(num_warps=1.5),
    dict(num_iterations=-3),
    dict(tau=0),
    dict(lambda_=-1.),
    dict(theta=float('nan')),
    dict(scale_step=1),
    dict(median_filtering=4),
    dict(out_indices=()),
])
def test_bad_settings(settings):
    (name, value), = settings.items()
    with pytest.raises(ValueError,
                       match=f'{name} of TVNetFlowEstimator') as caught:
        TVNetFlowEstimator(**settings)
    assert f'got {value!r}' in str(caught.value)
