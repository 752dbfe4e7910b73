# SPDX-License-Identifier: Apache-2.0
"""The parameters of TV-Net learn, from either loss."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from uftsn_mmaction.models.losses import UnsupervisedLoss
from uftsn_mmaction.models.other_flows import TVNetFlowEstimator
from uftsn_mmaction.models.other_flows.tvl1_iteration import Differences

# One that trains in a moment.
SMALL = dict(num_scales=2, num_warps=2, num_iterations=8, learnable=True)


def unsupervised_loss():
    levels = dict(level_weights=(1., ))
    return UnsupervisedLoss([
        MODELS.build(dict(type='PhotometricLoss', **levels)),
        MODELS.build(dict(type='SmoothnessLoss', weight=1., **levels))
    ])


@pytest.mark.parametrize('median', [1, 3])
def test_begins_as_the_fixed_one(moving_texture, median):
    settings = dict(SMALL, num_scales=3, median_filtering=median)
    learned = TVNetFlowEstimator(**settings)
    fixed = TVNetFlowEstimator(**dict(settings, learnable=False))
    clip = moving_texture((1.5, -0.5))
    flow = learned(clip)
    torch.testing.assert_close(flow, fixed(clip), atol=1e-3, rtol=0.)
    assert learned.differentiable and flow.requires_grad
    assert sum(p.numel() for p in learned.parameters()) == 17


def test_gradients_of_the_parameters_are_right():
    estimator = TVNetFlowEstimator(
        num_scales=1, num_warps=2, num_iterations=2, learnable=True).double()
    generator = torch.Generator().manual_seed(0)
    clip = torch.rand(
        1, 3, 2, 7, 8, generator=generator, dtype=torch.float64)
    names, values = zip(*estimator.named_parameters())
    values = [value.detach().clone().requires_grad_() for value in values]

    def flow(*values):
        return torch.func.functional_call(estimator, dict(zip(names, values)),
                                          (clip, ))

    assert torch.autograd.gradcheck(flow, values, eps=1e-7, atol=1e-4)


def test_each_axis_has_kernels_of_its_own():
    differences = Differences(learnable=True)
    with torch.no_grad():
        for kernels in differences.parameters():
            kernels[1] = 0
    image, flow = torch.rand(1, 1, 6, 7), torch.rand(1, 2, 6, 7)
    x, y = differences.of_flow(flow)
    assert x.abs().sum() > 0 and not y.any()
    x, y = differences.of_image(image).split(1, 1)
    assert x.abs().sum() > 0 and not y.any()
    assert not differences.divergence(torch.zeros_like(flow), flow).any()
    assert differences.divergence(flow, torch.zeros_like(flow)).any()


@pytest.mark.parametrize('kind', ['still', 'flat', 'black', 'noise'])
def test_gradients_are_finite_where_nothing_moves(moving_texture, kind):
    clip = dict(
        still=moving_texture((0, 0)),
        flat=torch.full((1, 3, 2, 32, 32), 0.5),
        black=torch.zeros(1, 3, 2, 32, 32),
        noise=torch.rand(1, 3, 2, 32, 32))[kind].requires_grad_()
    estimator = TVNetFlowEstimator(**SMALL, median_filtering=3)
    estimator(clip).square().mean().backward()
    for name, parameter in estimator.named_parameters():
        assert parameter.grad.isfinite().all(), name
    assert clip.grad.isfinite().all()


def test_learns_without_labels(moving_texture):
    """From a start that is far too timid, eq. 9 finds a better one."""
    clip = moving_texture((1.5, -0.5), batch=4, height=32, width=40)
    estimator = TVNetFlowEstimator(
        num_scales=1,
        num_warps=1,
        num_iterations=10,
        lambda_=0.01,
        learnable=True)
    start = copy.deepcopy(estimator.state_dict())
    loss = unsupervised_loss()
    optimizer = torch.optim.Adam(estimator.parameters(), lr=0.05)
    totals, lengths = [], []
    for _ in range(15):
        flows, flows_back = estimator.bidirectional(clip)
        total = sum(loss(flows, flows_back, clip).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
        lengths.append(flows[0][:, 0].mean().item())
    assert totals[-1] < 0.9 * totals[0]
    # Towards the true 1.5 pixels.
    assert lengths[0] < 0.5 and lengths[-1] > 1.5 * lengths[0]
    for name, value in estimator.state_dict().items():
        assert not torch.equal(value, start[name]), name


def test_learns_from_the_class(moving_texture):
    """Cross entropy alone reaches every parameter through the classifier."""
    model = MODELS.build(
        dict(
            type='UFTSNRecognizer',
            clip_len=3,
            flow_estimator=dict(type='TVNetFlowEstimator', **SMALL),
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                in_channels=4,
                stem_channels=8,
                base_channels=8),
            cls_head=dict(
                type='TSNHead', num_classes=2, in_channels=64,
                dropout_ratio=0.)))
    parts = ('flow_estimator', 'backbone', 'cls_head')
    assert set(model.parts) == set(parts)
    model.set_stage(parts, dict(cls=1.))
    clips = torch.cat([
        moving_texture(shift, frames=3, height=32, width=32)
        for shift in ((1, 0), (-1, 0))
    ])[:, None]
    samples = [ActionDataSample().set_gt_label(n) for n in range(2)]
    optimizer = torch.optim.SGD(model.flow_estimator.parameters(), lr=1e-3)
    start = copy.deepcopy(model.flow_estimator.state_dict())
    model.loss(clips, samples)['loss_cls'].backward()
    optimizer.step()
    for name, value in model.flow_estimator.state_dict().items():
        assert not torch.equal(value, start[name]), name
    # A frozen one neither moves nor keeps a graph.
    model.set_stage(parts[1:], dict(cls=1.))
    assert not model.extract_flow(clips)[0].requires_grad


def test_weights_stay_positive_after_any_step(moving_texture):
    clip = moving_texture((1, 0))
    estimator = TVNetFlowEstimator(**SMALL)
    before = estimator(clip)
    with torch.no_grad():
        estimator.log_weights -= 3
    text = repr(estimator)
    assert 'tau=0.01245' in text and 'lambda_=0.007468' in text
    flow = estimator(clip)
    assert flow.isfinite().all() and not torch.equal(flow, before)


def test_what_was_learned_is_in_the_checkpoint(moving_texture):
    clip = moving_texture((1, 0))
    learned, fresh = TVNetFlowEstimator(**SMALL), TVNetFlowEstimator(**SMALL)
    with torch.no_grad():
        for parameter in learned.parameters():
            parameter.mul_(1.1)
    fresh.load_state_dict(learned.state_dict())
    assert torch.equal(fresh(clip), learned(clip))


def test_training_stays_float32_under_autocast(moving_texture):
    clip = moving_texture((1, 0))
    estimator = TVNetFlowEstimator(**SMALL)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        flow = estimator(clip)
        loss = flow.square().mean()
    assert flow.dtype == torch.float32
    loss.backward()
    assert estimator.log_weights.grad.dtype == torch.float32
