# SPDX-License-Identifier: Apache-2.0
"""TV-L1 improves the flow of any estimator, and hides in no checkpoint."""
import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import get_state_dict, load_state_dict

from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs
from uftsn_mmaction.fileio.checkpoint import ESTIMATOR_PART, load_weights
from uftsn_mmaction.models.flow import resize_flow
from uftsn_mmaction.models.other_flows import (
    CachedFlowEstimator,
    DISFlowEstimator,
    PairwiseFlowEstimator,
    RefinedFlowEstimator,
    TVNetFlowEstimator,
    ZeroFlowEstimator,
)

pytestmark = pytest.mark.usefixtures('one_thread')

NETWORK = dict(
    type='UnsupervisedFlowEstimator',
    pyramid_channels=(4, 4),
    decoder_channels=((4, ), ) * 3,
    max_displacement=2,
    out_indices=(0, 1, 2))


class Given(PairwiseFlowEstimator):
    """Flow that is known beforehand and can be learned, pair by pair."""

    differentiable = True

    def __init__(self, flow, out_indices=(0, )):
        super().__init__(out_indices)
        self.flow = torch.nn.Parameter(flow)

    def estimate(self, first, second):
        return self.flow.expand(len(first), -1, -1, -1)


def network(seed=0, **kwargs):
    """A network whose flow is clearly visible."""
    torch.manual_seed(seed)
    estimator = MODELS.build({**NETWORK, **kwargs})
    for parameter in estimator.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return estimator


def error(flow, truth):
    return (flow - truth).square().sum(1).sqrt().mean().item()


def generated(speed):
    """Three pairs and their true flow, as clips of two frames."""
    pairs = GeneratedPairs(16, size=(96, 96), speed=speed, seed=3)
    pairs = [pairs[index] for index in (0, 5, 10)]
    frames = np.stack([(pair.first, pair.second) for pair in pairs])
    # N x T x H x W x 3 -> N x 3 x T x H x W
    clips = torch.from_numpy(frames).permute(0, 4, 1, 2, 3) / 255
    return clips, torch.from_numpy(np.stack([pair.flow for pair in pairs]))


def test_a_flow_that_is_nearly_right_becomes_better():
    """Motion of 8 pixels is out of reach without the start."""
    clips, truth = generated(speed=8.)
    # As a network errs: blurred, and smoothly off by half a pixel.
    start = resize_flow(resize_flow(truth, (24, 24)), (96, 96))
    noise = torch.randn(
        3, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    start += 0.5 * F.interpolate(noise, (96, 96), mode='bicubic')
    with torch.no_grad():
        refined, alone = (
            RefinedFlowEstimator(Given(flow))(clips)[:, :, 0]
            for flow in (start, torch.zeros_like(start)))
    assert error(refined, truth) < 0.5 * error(start, truth)
    assert error(refined, truth) < 0.2 * error(alone, truth)


def test_dis_becomes_better():
    clips, truth = generated(speed=3.)
    refined = RefinedFlowEstimator(dict(type='DISFlowEstimator'))
    errors = [error(estimator(clips)[:, :, 0], truth)
              for estimator in (refined.flow_estimator, refined)]
    assert errors[1] < 0.8 * errors[0]
    assert not refined(clips).requires_grad and not refined.can_train


@pytest.mark.parametrize('settings', [
    dict(),
    dict(num_warps=3, num_iterations=7, median_filtering=3),
    dict(tau=0.2, lambda_=0.05, theta=0.2),
])
@pytest.mark.parametrize('backward', [False, True])
def test_from_zero_it_is_tvnet_at_one_scale(moving_texture, settings,
                                            backward):
    clip = moving_texture((1.5, -0.5), batch=2, frames=3)
    refined = RefinedFlowEstimator(ZeroFlowEstimator(), **settings)
    reference = TVNetFlowEstimator(
        num_scales=1, **{**dict(num_warps=2, num_iterations=20), **settings})
    assert torch.equal(refined(clip, backward), reference(clip, backward))


def test_gradients_through_the_iterations_are_right():
    generator = torch.Generator().manual_seed(0)
    clip = torch.rand(
        1, 3, 2, 7, 8, generator=generator, dtype=torch.float64)
    start = torch.randn(1, 2, 7, 8, generator=generator, dtype=torch.float64)

    def flow(start):
        estimator = RefinedFlowEstimator(
            Given(torch.zeros(1, 2, 7, 8)), num_iterations=3).double()
        return torch.func.functional_call(
            estimator, {'flow_estimator.flow': start}, clip)

    # Away from whole pixels, where bicubic weights have a kink.
    start = 0.3 * start.tanh() + 0.5
    assert torch.autograd.gradcheck(
        flow, start.requires_grad_(), fast_mode=True)


def test_gradients_reach_every_weight_of_a_network(moving_texture):
    estimator = RefinedFlowEstimator(network(), num_iterations=5)
    flows = estimator(moving_texture((1, 0)))
    flows[0].square().mean().backward()
    for name, parameter in estimator.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
    # The refinement itself has nothing to learn.
    count = sum(p.numel() for p in estimator.parameters())
    assert count == sum(p.numel() for p in network().parameters())
    with torch.no_grad():
        assert not estimator(moving_texture((1, 0)))[0].requires_grad


def test_gradients_pass_around_the_iterations(moving_texture):
    clip = moving_texture((1.2, 0.7), batch=2)
    wrapped = network()
    through, around = (
        RefinedFlowEstimator(wrapped, unrolled=unrolled)
        for unrolled in (True, False))
    flows = around(clip)
    torch.testing.assert_close(flows[0], through(clip)[0])
    weight = torch.randn_like(flows[0])

    def gradients(flow):
        return torch.autograd.grad((weight * flow).sum(),
                                   list(wrapped.decoders['0'].parameters()))

    for found, expected in zip(gradients(flows[0]),
                               gradients(wrapped(clip)[0])):
        torch.testing.assert_close(found, expected)


def test_both_directions_are_those_of_two_calls(moving_texture):
    clip = moving_texture((1.2, 0.7), batch=2, frames=4)
    estimator = RefinedFlowEstimator(network()).eval()
    with torch.no_grad():
        both = estimator.bidirectional(clip)
        for flows, backward in zip(both, (False, True)):
            for flow, single in zip(flows, estimator(clip, backward)):
                torch.testing.assert_close(flow, single, atol=1e-4, rtol=0.)
    assert not torch.equal(both[0][0], both[1][0])


def test_both_directions_take_one_call_of_the_network(moving_texture):
    wrapped, seen = network(), []
    bidirectional = wrapped.bidirectional
    wrapped.bidirectional = lambda x: seen.append(x) or bidirectional(x)
    wrapped.estimate_levels = None
    RefinedFlowEstimator(wrapped).bidirectional(moving_texture((1, 0)))
    assert len(seen) == 1


def test_coarser_levels_are_those_of_the_wrapped_one(moving_texture):
    clip = moving_texture((1, 0), frames=3)
    wrapped = network()
    expected = wrapped(clip)
    estimator = RefinedFlowEstimator(wrapped)
    assert estimator.out_indices == (0, 1, 2)
    flows = estimator(clip)
    assert flows[0].shape == expected[0].shape
    assert not torch.equal(flows[0], expected[0])
    for flow, own in zip(flows[1:], expected[1:]):
        assert torch.equal(flow, own)
    # A loss on a level reaches the decoder of that level.
    flows[2].sum().backward()
    assert wrapped.decoders['2'].predict.bias.grad.any()


def test_levels_that_the_wrapped_one_lacks_are_resized(moving_texture):
    clip = moving_texture((1, 0))
    estimator = RefinedFlowEstimator(
        Given(torch.ones(1, 2, 48, 56)), out_indices=(0, 1, 3))
    with torch.no_grad():
        full, half, eighth = estimator.levels(clip)
    torch.testing.assert_close(half[:, :, 0],
                               resize_flow(full[:, :, 0], (24, 28)))
    assert eighth.shape == (1, 2, 1, 6, 7)
    alone = RefinedFlowEstimator(network(), out_indices=(0, ))
    assert torch.is_tensor(alone(clip))


@pytest.mark.parametrize('prefix', ['', ESTIMATOR_PART])
@pytest.mark.parametrize('wraps', [1, 2])
def test_a_checkpoint_fits_with_and_without_refinement(tmp_path, prefix,
                                                       wraps):
    def wrap(estimator):
        for _ in range(wraps):
            estimator = RefinedFlowEstimator(estimator)
        return estimator

    path = str(tmp_path / 'a.pth')
    for make_source, make_target in ((network, lambda n: wrap(network(n))),
                                     (lambda: wrap(network()), network)):
        source, target = make_source(), make_target(1)
        state = {
            prefix + name: value
            for name, value in source.state_dict().items()
        }
        assert state.keys() == {prefix + n for n in network().state_dict()}
        torch.save(state, path)
        assert target.has_random_weights
        load_weights(target, path, 'a test', part=ESTIMATOR_PART)
        assert not target.has_random_weights
        for name, value in target.state_dict().items():
            assert torch.equal(value, source.state_dict()[name]), name


def test_the_trainer_keeps_the_names_as_well(moving_texture):
    """MMEngine writes and reads checkpoints by functions of its own."""

    class Recognizer(BaseModule):

        def __init__(self, estimator):
            super().__init__()
            self.flow_estimator = estimator

    bare = Recognizer(network())
    refined = Recognizer(RefinedFlowEstimator(network(1)))
    load_state_dict(refined, get_state_dict(bare), strict=True)
    assert not refined.flow_estimator.has_random_weights
    # The hooks of a copy, such as an average of weights, are its own.
    twin = copy.deepcopy(refined)
    with torch.no_grad():
        twin.flow_estimator.flow_estimator.decoders['0'].predict.bias += 1
    for module in (refined, twin):
        state = get_state_dict(module)
        assert state.keys() == bare.state_dict().keys()
        for name, value in module.state_dict().items():
            assert torch.equal(value, state[name])
    bias = 'flow_estimator.decoders.0.predict.bias'
    assert not torch.equal(twin.state_dict()[bias],
                           refined.state_dict()[bias])


def test_half_a_checkpoint_leaves_weights_random():
    estimator = RefinedFlowEstimator(network())
    state = estimator.state_dict()
    state.popitem()
    missing, unexpected = estimator.load_state_dict(state, strict=False)
    assert len(missing) == 1 and not unexpected
    assert estimator.has_random_weights
    assert not RefinedFlowEstimator(ZeroFlowEstimator()).has_random_weights
    learned = RefinedFlowEstimator(TVNetFlowEstimator(learnable=True))
    assert learned.can_train and not learned.has_random_weights


def test_flow_is_float32_also_under_autocast(moving_texture):
    clip = moving_texture((1, 0))
    estimator = RefinedFlowEstimator(network())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        flow = estimator(clip)[0]
    assert flow.dtype == torch.float32
    refined = RefinedFlowEstimator(ZeroFlowEstimator())
    assert refined(clip.bfloat16()).dtype == torch.float32
    assert refined.double()(clip.double()).dtype == torch.float64


def test_it_trains_a_recognizer_in_every_stage(build_recognizer, make_batch):
    cfg = dict(
        type='RefinedFlowEstimator',
        flow_estimator=dict(
            type='UnsupervisedFlowEstimator',
            pyramid_channels=(4, 4, 4, 4),
            decoder_channels=((4, ), ) * 5),
        num_iterations=3)
    model = build_recognizer(flow_estimator=cfg)
    losses = model.loss(*make_batch())
    total, _ = model.parse_losses(losses)
    total.backward()
    for name, parameter in model.flow_estimator.named_parameters():
        assert parameter.grad.any(), name


def test_cached_flow_has_no_frames():
    with pytest.raises(ValueError, match='CachedFlowEstimator takes none'):
        RefinedFlowEstimator(CachedFlowEstimator())


def test_frames_are_checked_as_the_wrapped_one_does():
    estimator = RefinedFlowEstimator(network())
    for shape, scale in (((1, 3, 2, 6, 40), 1), ((1, 3, 2, 32, 32), 255)):
        clip = scale * torch.rand(shape)
        for call in (estimator, estimator.bidirectional):
            with pytest.raises(ValueError):
                call(clip)


@pytest.mark.parametrize('settings', [
    dict(num_warps=0),
    dict(num_iterations=2.5),
    dict(tau=0.),
    dict(lambda_=-1),
    dict(theta=float('nan')),
    dict(median_filtering=2),
    dict(out_indices=()),
    dict(out_indices=(1, 2)),
])
def test_bad_settings(settings):
    (name, value), = settings.items()
    with pytest.raises(ValueError, match=f'{name} of RefinedFlowEst') as info:
        RefinedFlowEstimator(ZeroFlowEstimator(), **settings)
    assert f'got {value!r}' in str(info.value)


def test_what_cannot_be_wrapped():
    with pytest.raises(ValueError, match='out_indices of Unsupervised.*1, 2'):
        RefinedFlowEstimator(network(out_indices=(1, 2)))
    with pytest.raises(TypeError, match='RefinedFlowEstimator.*Conv2d'):
        RefinedFlowEstimator(dict(
            type='Conv2d', in_channels=1, out_channels=1, kernel_size=1))


def test_settings_of_both_are_named():
    text = RefinedFlowEstimator(
        dict(type='DISFlowEstimator', preset='fast'),
        lambda_=0.07).extra_repr()
    assert 'lambda_=0.07' in text
    assert f'DISFlowEstimator({DISFlowEstimator("fast").extra_repr()})' in text
