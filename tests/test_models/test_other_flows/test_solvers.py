# SPDX-License-Identifier: Apache-2.0
"""All solvers get the physics right and keep the contract."""
import copy
import pickle

import pytest
import torch
from mmaction.registry import MODELS

import uftsn_mmaction  # noqa: F401, registers the estimators
from uftsn_mmaction.models.flow import resize_flow

pytestmark = pytest.mark.usefixtures('one_thread')

SOLVERS = {
    'TVL1FlowEstimator': dict(preset='fast'),
    # At full size also for small frames.
    'DISFlowEstimator': dict(finest_scale=0),
    'TVNetFlowEstimator': dict(num_scales=3),
}


@pytest.fixture(scope='module', params=SOLVERS)
def solver(request):
    return MODELS.build(dict(type=request.param, **SOLVERS[request.param]))


def inside(flow, margin=8):
    """The pixels that no motion has carried in or out."""
    return flow[..., margin:-margin, margin:-margin]


def error(flow, shift):
    expected = torch.tensor(shift, dtype=flow.dtype).view(2, 1, 1, 1)
    return inside(flow - expected).square().sum(1).sqrt().mean().item()


def test_no_motion_gives_no_flow(solver, moving_texture):
    assert solver(moving_texture((0, 0))).abs().max() < 0.02


@pytest.mark.parametrize('shift', [(2, -1), (0.4, 0.7), (-2.6, 1.3), (0, 3)])
def test_a_translation_is_found_in_both_directions(solver, moving_texture,
                                                   shift):
    (flow, ), (back, ) = solver.bidirectional(moving_texture(shift))
    assert error(flow, shift) < 0.15
    assert error(back, (-shift[0], -shift[1])) < 0.15


def test_each_flow_belongs_to_its_clip_and_pair(solver, moving_texture):
    clip = torch.cat((moving_texture((2, -1), frames=3),
                      moving_texture((-1, 0), frames=3)))
    clip[1, :, 2] = clip[1, :, 1]  # the second clip stops
    flow = solver(clip)
    assert flow.shape == (2, 2, 2, 48, 56) and flow.dtype == torch.float32
    for n, t, shift in ((0, 0, (2, -1)), (0, 1, (2, -1)), (1, 0, (-1, 0)),
                        (1, 1, (0, 0))):
        assert error(flow[n:n + 1, :, t:t + 1], shift) < 0.15


def test_backward_flow_is_that_of_the_clip_played_backwards(
        solver, moving_texture):
    clip = moving_texture((1.5, -0.5), frames=3)
    back = solver(clip, backward=True)
    assert torch.equal(back.flip(2), solver(clip.flip(2)))


def test_a_mirrored_clip_has_the_mirrored_flow(solver, moving_texture):
    clip = moving_texture((2, -1))
    flow, mirrored = solver(clip), solver(clip.flip(-1)).flip(-1)
    mirrored[:, 0] *= -1
    # Forward differences and patches on a grid are not symmetric themselves.
    assert inside(flow - mirrored).abs().mean() < 0.1
    assert inside(flow).abs().mean() > 1


def test_red_counts_more_than_blue(solver, moving_texture):
    """A solver that took RGB for BGR would follow the wrong channel."""
    red, blue = moving_texture((1.5, -1)), moving_texture((-1.5, 1), seed=1)
    clip = torch.stack((red[:, 0], torch.full_like(red[:, 0], 0.5),
                        blue[:, 0]), 1)
    u, v = inside(solver(clip)).mean((0, 2, 3, 4))
    assert u > 0.5 and v < -0.3


def test_levels_are_the_resized_flow(solver, moving_texture):
    clip = moving_texture((2, -1), height=45, width=53)
    both = copy.deepcopy(solver)
    both.out_indices = (0, 2)
    full, quarter = both(clip)
    assert torch.equal(full, solver(clip))
    torch.testing.assert_close(quarter[:, :, 0],
                               resize_flow(full[:, :, 0], (12, 14)))
    middle = quarter[..., 3:-3, 3:-3].mean((0, 2, 3, 4))
    torch.testing.assert_close(
        middle, torch.tensor((2., -1.)) / 4, atol=0.05, rtol=0.)


def test_results_stay_float32_under_autocast(solver, moving_texture):
    clip = moving_texture((2, -1))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        flow = solver(clip)
    assert flow.dtype == torch.float32
    assert torch.equal(flow, solver(clip))


@pytest.mark.parametrize('copied', [
    copy.deepcopy, lambda solver: pickle.loads(pickle.dumps(solver))
], ids=['deepcopy', 'pickle'])
def test_copies_give_the_same_flow(solver, moving_texture, copied):
    clip = moving_texture((2, -1), height=32, width=32)
    expected = solver(clip)
    assert torch.equal(copied(solver)(clip), expected)


def test_a_fixed_solver_has_nothing_to_train_or_save(solver, moving_texture):
    assert solver.differentiable is False
    assert not list(solver.parameters()) and not solver.state_dict()
    clip = moving_texture((2, -1)).requires_grad_()
    assert not solver(clip).requires_grad


def test_settings_are_named_in_the_printout(solver):
    text = repr(solver)
    assert ('lambda_=0.15' in text) or ('patch_size=8' in text)
