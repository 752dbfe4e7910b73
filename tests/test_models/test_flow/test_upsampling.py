# SPDX-License-Identifier: Apache-2.0
"""Learned upsampling of the finest decoded flow."""
import pytest
import torch

from uftsn_mmaction.models.flow.upsampling import ConvexUpsampling


@pytest.mark.parametrize('size', [(24, 32), (21, 29)])
def test_a_uniform_flow_stays_uniform_in_pixels_of_the_frame(size):
    upsampling = ConvexUpsampling(in_channels=5, factor=4)
    flow = torch.tensor([1.5, -2.]).view(1, 2, 1, 1).expand(3, 2, 6, 8)
    fine = upsampling(flow, 20 * torch.randn(3, 5, 6, 8), size)
    assert fine.shape == (3, 2, *size)
    torch.testing.assert_close(
        fine, 4 * torch.tensor([1.5, -2.]).view(1, 2, 1, 1).expand_as(fine))


def test_no_flow_leaves_the_range_of_its_neighbourhood():
    upsampling = ConvexUpsampling(in_channels=5, factor=2)
    flow = torch.randn(1, 2, 7, 9)
    fine = upsampling(flow, 50 * torch.randn(1, 5, 7, 9), (14, 18)) / 2
    padded = torch.nn.functional.pad(flow, (1, ) * 4, mode='replicate')
    highest = torch.nn.functional.max_pool2d(padded, 3, stride=1)
    lowest = -torch.nn.functional.max_pool2d(-padded, 3, stride=1)
    for bound, sign in ((highest, 1), (lowest, -1)):
        bound = bound.repeat_interleave(2, 2).repeat_interleave(2, 3)
        assert (sign * (bound - fine) > -1e-5).all()


def test_it_can_keep_a_motion_boundary_that_bilinear_upsampling_blurs():
    """Trained on one step of the flow, it moves the edge to any pixel."""
    torch.manual_seed(0)
    upsampling = ConvexUpsampling(in_channels=2, factor=4)
    flow = torch.zeros(1, 2, 4, 6)
    flow[..., 3:] = 5.
    true = torch.zeros(1, 2, 16, 24)
    true[..., 14:] = 20.  # two pixels after the coarse edge
    state = torch.stack([flow[0, 0], torch.ones(4, 6)])[None]
    optimizer = torch.optim.Adam(upsampling.parameters(), 0.02)
    for _ in range(150):
        loss = (upsampling(flow, state, (16, 24)) - true).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2
    blurred = torch.nn.functional.interpolate(
        4 * flow, (16, 24), mode='bilinear')
    assert (blurred - true).abs().mean() > 1
