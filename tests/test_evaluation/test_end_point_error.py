# SPDX-License-Identifier: Apache-2.0
"""The error of a flow against values that can be worked out by hand."""
import math

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from uftsn_mmaction.evaluation import (
    EndPointError,
    end_point_error,
    known_flow_mask,
)
from uftsn_mmaction.evaluation.motion_boundary import motion_boundary_mask


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    torch.set_num_threads(1)


def random_flows(clips=2, steps=3, height=12, width=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, clips, 2, steps, height, width)
    return 4 * torch.randn(shape, generator=generator)


def score(*samples, **kwargs):
    """Metrics of samples, the way the test loop gets them."""
    evaluator = Evaluator(EndPointError(**kwargs))
    for sample in samples:
        data_sample = ActionDataSample()
        for key, value in sample.items():
            data_sample.set_field(value, key)
        evaluator.process([data_sample])
    return evaluator.evaluate(len(samples))


def test_map_of_a_3_4_5_triangle():
    gt = np.zeros((2, 2, 3), np.float32)
    flow = gt.copy()
    flow[:, 1, 2] = 3, -4
    gt[0, 0, 0] = np.nan
    gt[1, 0, 1] = 2e9
    mask = np.ones((2, 3), bool)
    mask[0, 2] = False
    nan = np.nan
    np.testing.assert_array_equal(
        end_point_error(flow, gt, mask), [[nan, nan, nan], [0, 0, 5]])


@pytest.mark.parametrize('shape', [(2, 5, 6), (3, 2, 5, 6), (3, 2, 4, 5, 6)])
def test_map_equals_the_plain_formula(shape):
    flow, gt = torch.randn(2, *shape)
    dim = 0 if len(shape) == 3 else 1
    expected = ((flow - gt)**2).sum(dim).sqrt()
    torch.testing.assert_close(end_point_error(flow, gt), expected)
    array = end_point_error(flow.numpy(), gt.numpy())
    assert isinstance(array, np.ndarray)
    np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)


def test_mask_may_keep_its_channel():
    gt = torch.zeros(1, 2, 3, 4, 5)
    mask = torch.rand(1, 3, 4, 5) > 0.5
    assert torch.equal(known_flow_mask(gt, mask[:, None]), mask)


def test_means_are_over_pixels_of_all_samples():
    """A small and a large sample, against one plain mean over both."""
    samples, errors, magnitudes = [], [], []
    for seed, height in enumerate((6, 20)):
        flow, gt = random_flows(height=height, seed=seed)
        mask = torch.rand(
            2, 3, height, 16,
            generator=torch.Generator().manual_seed(seed)) > 0.3
        samples.append(
            dict(
                pred_flow=flow, gt_flow=gt.numpy(),
                flow_valid_mask=mask.numpy()))
        errors.append((flow - gt).norm(dim=1)[mask])
        magnitudes.append(gt.norm(dim=1)[mask])
    error, magnitude = torch.cat(errors), torch.cat(magnitudes)
    outlier = (error > 3) & (error > 0.05 * magnitude)
    medium = (magnitude >= 1) & (magnitude <= 5)
    metrics = score(*samples)
    expected = {
        'flow/AEPE': error.mean(),
        'flow/Fl_all': 100 * outlier.float().mean(),
        'flow/AEPE_small': error[magnitude < 1].mean(),
        'flow/AEPE_medium': error[medium].mean(),
        'flow/AEPE_zero': magnitude.mean(),
    }
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value.item(), rel=1e-5), name


def test_unknown_ground_truth_does_not_count():
    flow, gt = random_flows()
    broken = gt.clone()
    broken[:, :, :, :4] = torch.tensor([math.nan, math.inf, 1e10,
                                        -2e9]).view(4, 1)
    visible = torch.ones(2, 3, 12, 16)
    visible[:, :, :4] = 0
    masked = score(
        dict(pred_flow=flow, gt_flow=gt, flow_valid_mask=visible))
    unknown = score(dict(pred_flow=flow, gt_flow=broken))
    # The edge of an unknown area is no motion boundary, that of a mask may
    # lie near one; the rest has to agree.
    del masked['flow/AEPE_boundary'], unknown['flow/AEPE_boundary']
    assert unknown == pytest.approx(masked)


def test_fl_all_needs_both_thresholds():
    gt = torch.zeros(1, 2, 1, 2, 2)
    gt[:, 0] = torch.tensor([[0., 100.], [100., 0.]])
    flow = gt.clone()
    flow[:, 0] += torch.tensor([[3.5, 4.], [6., 2.]])
    metrics = score(dict(pred_flow=flow, gt_flow=gt))
    assert metrics['flow/Fl_all'] == 50  # 3.5 of 0 and 6 of 100


def test_boundary_is_three_pixels_on_either_side():
    gt = torch.zeros(1, 2, 20, 24)
    gt[:, 0, :, 10:] = 2  # the boundary lies between columns 9 and 10
    gt[:, 1] = torch.linspace(0, 6, 24)  # a gradual change is none
    known = torch.ones(1, 20, 24, dtype=torch.bool)
    mask = motion_boundary_mask(gt, known)
    expected = torch.zeros_like(mask)
    expected[..., 7:13] = True
    assert torch.equal(mask, expected)
    assert not motion_boundary_mask(gt, known, threshold=3).any()
    turned = motion_boundary_mask(gt.mT, known.mT)
    assert torch.equal(turned, expected.mT)
    known[..., 10:] = False
    assert not motion_boundary_mask(gt, known).any()


def test_boundary_error_sees_only_the_boundary():
    # The boundary is at another place in every clip and at every step.
    gt = torch.zeros(2, 2, 3, 16, 40)
    flow = gt.clone()
    flow[..., 0] += 100
    for clip in range(2):
        for step in range(3):
            column = 6 + 5 * (3 * clip + step)
            for x in (gt, flow):
                x[clip, :, step, :, column:] += 2
            flow[clip, :, step, :, column - 3:column + 3] += torch.tensor(
                [3., 4.]).view(2, 1, 1)
    assert score(dict(pred_flow=flow, gt_flow=gt))[
        'flow/AEPE_boundary'] == pytest.approx(5)


def test_empty_bins_are_left_out():
    gt = torch.full((1, 2, 1, 8, 8), 20.)
    metrics = score(dict(pred_flow=gt, gt_flow=gt))
    assert set(metrics) == {
        'flow/AEPE', 'flow/Fl_all', 'flow/AEPE_zero', 'flow/flow_std'
    }
    nothing = score(dict(pred_flow=gt, gt_flow=gt * math.nan))
    assert set(nothing) == {'flow/flow_std'}


def test_a_diverged_estimate_is_not_hidden():
    gt = torch.ones(1, 2, 1, 8, 8)
    metrics = score(dict(pred_flow=gt * math.nan, gt_flow=gt))
    assert math.isnan(metrics['flow/AEPE'])
    assert metrics['flow/Fl_all'] == 100


def test_flow_std_shows_a_collapse():
    gt = random_flows()[0]
    # Each map constant, but no two alike.
    collapsed = gt.mean(dim=(-2, -1), keepdim=True).expand_as(gt)
    sample = dict(pred_flow=collapsed, gt_flow=gt)
    assert score(sample)['flow/flow_std'] == pytest.approx(0, abs=1e-5)
    u, v = torch.zeros(2, 1, 1, 8, 8)
    u[..., 4:], v[..., 4:, :] = 6, 8  # std 3 and 4
    flow = torch.stack((u, v), dim=1)
    sample = dict(pred_flow=flow, gt_flow=flow)
    assert score(sample)['flow/flow_std'] == pytest.approx(5)


def test_no_map_is_kept():
    metric = METRICS.build(dict(type='EndPointError', prefix='tvl1'))
    flow, gt = random_flows()
    metric.process(None, [dict(pred_flow=flow, gt_flow=gt)])
    for total, count in metric.results[0].values():
        assert isinstance(total, float) and isinstance(count, int)
    assert 'tvl1/AEPE' in metric.evaluate(1)


def test_missing_flow_names_the_cure():
    flow = random_flows()[0]
    with pytest.raises(ValueError, match='pred_flow.*return_flow'):
        score(dict(gt_flow=flow))
    with pytest.raises(ValueError, match='gt_flow.*LoadGroundTruthFlow'):
        score(dict(pred_flow=flow))


def test_shapes_that_do_not_fit():
    flow = random_flows()[0]
    with pytest.raises(ValueError, match=r'12, 8\).*12, 16\).*resize_flow'):
        score(dict(pred_flow=flow[..., ::2], gt_flow=flow))
    with pytest.raises(ValueError, match=r'pred_flow .*\(2, 3, 12, 16\)'):
        score(dict(pred_flow=flow[0], gt_flow=flow))
    with pytest.raises(ValueError, match=r'mask .*\(2, 3, 4, 4\)'):
        end_point_error(flow, flow, torch.ones(2, 3, 4, 4))
    with pytest.raises(ValueError, match=r'\(2, 1, 3, 12, 16\)'):
        end_point_error(flow[:, :1], flow[:, :1])


@pytest.mark.parametrize('setting', [
    dict(boundary_threshold=0),
    dict(boundary_width=0),
    dict(boundary_width=1.5),
])
def test_bad_settings(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        EndPointError(**setting)
