# SPDX-License-Identifier: Apache-2.0
"""Photometric errors of a recognizer's flow and of zero flow."""
import pytest
import torch


@pytest.fixture
def clips(moving_texture):
    """Clips ``(B, M, 3, T, H, W)`` that move by one pixel to the right."""
    return moving_texture((1., 0.), batch=2, frames=3)[:, None]


def constant(model, monkeypatch, u):
    def levels(pairs, backward=False):
        flow = torch.zeros(len(pairs), 2, 1, *pairs.shape[-2:])
        flow[:, 0] = u
        return (flow, )

    monkeypatch.setattr(model.flow_estimator, 'levels', levels)


def test_the_right_flow_explains_what_zero_flow_does_not(
        build_recognizer, clips, monkeypatch):
    model = build_recognizer()
    expected = 255 * (clips[:, 0, :, 1] - clips[:, 0, :, 0]).abs().mean()
    errors = {}
    for u in (0., 1., -1., 1000.):
        constant(model, monkeypatch, u)
        error, still = model.photometric_errors(clips)
        torch.testing.assert_close(still, expected)
        errors[u] = float(error / still)
    # Pointing outside gains nothing. One column has no counterpart.
    assert errors[0.] == errors[1000.] == pytest.approx(1)
    assert errors[1.] < 0.05 and errors[-1.] > 1.5


@pytest.mark.parametrize('frozen', [True, False])
def test_it_leaves_no_trace(build_recognizer, clips, frozen):
    model = build_recognizer(
        flow_estimator=dict(
            type='UnsupervisedFlowEstimator',
            pyramid_channels=(4, 4, 4, 4),
            decoder_channels=((4, ), ) * 5,
            level_dropout=0.5)).train()
    if frozen:
        model.train_only(['backbone', 'cls_head'])
    before = [(name, module.training) for name, module
              in model.named_modules()]
    state = torch.get_rng_state()
    errors = model.photometric_errors(clips)
    assert not errors.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert before == [(name, module.training) for name, module
                      in model.named_modules()]
