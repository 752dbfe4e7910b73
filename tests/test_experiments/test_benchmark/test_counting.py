# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from uftsn_mmaction.experiments.benchmark.counting import count_macs
from uftsn_mmaction.models.flow_zoo import build_estimator


class Handmade(nn.Module):
    """Work that can be counted by hand, on clips of two frames."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 2, 3, padding=1)
        self.linear = nn.Linear(2, 5, bias=False)
        self.linear.requires_grad_(False)

    def forward(self, x):
        flow = self.conv(x.flatten(1, 2))
        out = torch.empty_like(flow)
        torch.mul(flow, flow, out=out)
        out.div_(3)
        self.linear(out.flatten(2).mean(2))
        return out + flow


def test_products_are_counted_once_and_sums_not():
    estimator = Handmade()
    macs = count_macs(estimator, (8, 12))
    assert macs.matrix == 8 * 12 * 6 * 2 * 9 + 2 * 5
    # The product and the quotient.
    assert macs.elementwise == 2 * (2 * 8 * 12)
    assert sum(macs) == 10368 + 10 + 384


def test_the_default_plan_has_the_size_and_the_work_of_the_readme():
    estimator = build_estimator('uftsn')
    parameters = sum(p.numel() for p in estimator.parameters())
    assert 5.65e6 < parameters < 5.75e6
    macs = count_macs(estimator, (224, 224))
    assert sum(macs) == pytest.approx(4.76e9, abs=1e7)
    cost_volume = sum(
        # The products, and the division of their sum by the channels.
        (estimator.pyramid.channels[level] + 1) *
        (2 * estimator.max_displacement[level] + 1)**2 * (224 >> level)**2
        for level in range(5))
    # The rest: normalised features, grids of the warps, scaled flows.
    assert cost_volume < macs.elementwise < 1.1 * cost_volume
    # The pairs of a clip share what is computed for each of their frames.
    in_a_clip = count_macs(estimator, (224, 224), 3)
    pyramid = FlopCounterMode(display=False)
    with torch.no_grad(), pyramid:
        estimator.pyramid(torch.zeros(1, 3, 224, 224))
    saved = pyramid.get_total_flops() / 2
    assert macs.matrix - in_a_clip.matrix == saved / 2
    with torch.no_grad():
        plan = build_estimator('uftsn_small')
    assert sum(count_macs(plan, (224, 224))) < sum(macs) / 5


@pytest.mark.parametrize('spec', ['tvl1', 'dis', 'dis+refined'])
def test_solvers_of_opencv_have_no_count(spec):
    assert count_macs(build_estimator(spec), (64, 64)) is None


def test_a_solver_unrolled_in_pytorch_has_one():
    assert sum(count_macs(build_estimator('tvnet'), (32, 32))) > 0


def test_no_work_is_zero():
    assert count_macs(build_estimator('zero'), (32, 32)) == (0, 0)


class Attention(torch.nn.Module):
    """Nothing but the attention between two frames' pixels."""

    def forward(self, x):
        first, second = x.flatten(3).permute(2, 0, 3, 1)
        F.scaled_dot_product_attention(first, second, second)


def test_attention_is_counted():
    # Two products of 64 x 3 and 3 x 64, or 64 x 64 and 64 x 3.
    assert count_macs(Attention(), (8, 8)).matrix == 2 * 64 * 64 * 3
