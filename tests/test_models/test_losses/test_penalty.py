# SPDX-License-Identifier: Apache-2.0
"""Penalty functions and the masked mean."""
import pytest
import torch

from uftsn_mmaction.models.losses import penalty as penalties
from uftsn_mmaction.models.losses.penalty import (
    PENALTIES,
    masked_mean,
    penalize,
)


@pytest.mark.parametrize('penalty, expected', [
    ('l1', [0., 3., 3.]),
    ('charbonnier', [0.001, 3., 3.]),
    ('robust', [0.01**0.4, 3.01**0.4, 3.01**0.4]),
])
def test_values(penalty, expected):
    x = torch.tensor([0., 3., -3.])
    torch.testing.assert_close(
        penalize(x, penalty), torch.tensor(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('penalty', PENALTIES)
def test_grows_with_the_size_of_the_difference(penalty):
    x = torch.linspace(0, 300, 50)
    assert (penalize(x, penalty).diff() > 0).all()


@pytest.mark.parametrize('penalty', PENALTIES)
def test_gradients(penalty):
    # Away from zero, where L1 has its kink.
    x = torch.tensor([-2., -0.5, 0.3, 4.]).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: penalize(x, penalty), x)


@pytest.mark.parametrize('penalty', PENALTIES)
def test_gradient_at_zero_is_zero(penalty):
    """Where both images agree there is nothing to push."""
    x = torch.zeros(3, requires_grad=True)
    penalize(x, penalty).sum().backward()
    assert torch.equal(x.grad, torch.zeros(3))


def test_unknown_penalty():
    with pytest.raises(ValueError, match='penalty.*l2'):
        penalize(torch.zeros(1), 'l2')


def test_masked_mean_counts_valid_pixels_only():
    x = torch.tensor([1., 2., 4., 100.]).view(2, 1, 1, 2)
    mask = torch.tensor([1., 1., 1., 0.]).view(2, 1, 1, 2)
    torch.testing.assert_close(masked_mean(x, mask), torch.tensor(7 / 3))


def test_masked_mean_of_nothing_is_zero():
    x = torch.ones(1, 1, 2, 2, requires_grad=True)
    mean = masked_mean(x, torch.zeros(1, 1, 2, 2))
    mean.backward()
    assert mean == 0 and not x.grad.any()


def test_processes_share_the_number_of_pixels(monkeypatch):
    """The mean of what they get is the mean over all pixels that count."""
    values = torch.rand(2, 1, 1, 4, 5)
    masks = torch.zeros(2, 1, 1, 4, 5)
    masks[0, ..., :2, :] = 1
    masks[1, ..., 0] = 1
    expected = masked_mean(values.flatten(0, 1), masks.flatten(0, 1))
    monkeypatch.setattr(penalties, 'is_distributed', lambda: True)
    monkeypatch.setattr(penalties, 'get_world_size', lambda: 2)
    monkeypatch.setattr(penalties, 'all_reduce',
                        lambda count: count.fill_(masks.sum()))
    one, other = (masked_mean(*pair) for pair in zip(values, masks))
    torch.testing.assert_close((one + other) / 2, expected)
    # One without any pixel adds nothing, and takes nothing.
    masks[1] = 0
    one, other = (masked_mean(*pair) for pair in zip(values, masks))
    assert other == 0
    torch.testing.assert_close(one / 2, values[0, ..., :2, :].mean())
