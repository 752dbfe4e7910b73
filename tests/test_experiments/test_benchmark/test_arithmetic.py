# SPDX-License-Identifier: Apache-2.0
"""A benchmark sets precision and layout, and says what ran."""
import pytest
import torch
from torch import nn

from uftsn_mmaction.experiments.benchmark.arithmetic import set_arithmetic
from uftsn_mmaction.experiments.benchmark.row import Row
from uftsn_mmaction.experiments.benchmark.settings import (
    BenchmarkSettings,
    Combination,
)
from uftsn_mmaction.experiments.benchmark.workload import Workload
from uftsn_mmaction.models.flow_zoo import build_estimator
from uftsn_mmaction.models.other_flows import ptlflow

FAST = ('bfloat16', 'channels_last')


class Network(nn.Module):
    """A network of ptlflow in its outer form."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 2, 3, padding=1)

    def forward(self, inputs):
        flow = self.conv(inputs['images'].flatten(1, 2))
        self.seen = flow.dtype
        return dict(flows=flow[:, None])


def record(precision=None, layout=None, spec='uftsn_small'):
    combination = Combination('cpu', (32, 32), 1, clip_len=2,
                              precision=precision, layout=layout)
    run = Workload(spec, combination, BenchmarkSettings((spec, )))
    run()
    row = Row(spec, combination, True, 1, arithmetic=run.arithmetic)
    return row.values(row)


@pytest.mark.parametrize('spec', ['uftsn_small', 'uftsn_small+refined'])
def test_ours_run_as_asked_and_say_so(spec):
    row = record(*FAST, spec=spec)
    assert row['arithmetic'] == 'bfloat16, channels_last'
    # Rows of one combination have what was asked in common.
    assert (row['precision'], row['layout']) == FAST


def test_without_a_wish_the_estimator_decides(tmp_path):
    assert record()['arithmetic'] == 'float32, contiguous'
    config = tmp_path / 'fast.py'
    config.write_text('model = dict(flow_estimator=dict(type='
                      "'UnsupervisedFlowEstimator', plan='uftsn_small', "
                      "precision='bfloat16', out_indices=(0, )))")
    spec = str(config)
    assert record(spec=spec)['arithmetic'] == 'bfloat16, contiguous'
    assert record('float32', spec=spec)['arithmetic'] == 'float32, contiguous'


@pytest.mark.parametrize('spec', ['dis', 'tvnet', 'zero'])
def test_a_solver_has_none(spec):
    assert set_arithmetic(build_estimator(spec), *FAST) is None


def test_networks_of_ptlflow_run_under_autocast(monkeypatch):
    monkeypatch.setattr(ptlflow, '_build', lambda *_: Network())
    estimator = ptlflow.PTLFlowEstimator('any', min_size=1)
    clip = torch.rand(1, 3, 2, 32, 40)
    plain = estimator(clip)
    assert set_arithmetic(estimator, None, None) == ('float32', 'contiguous')
    assert torch.equal(estimator(clip), plain)
    assert set_arithmetic(estimator, *FAST) == FAST
    flow = estimator(clip)
    assert estimator.network.seen == torch.bfloat16
    assert flow.dtype == torch.float32
    torch.testing.assert_close(flow, plain, rtol=0, atol=0.02)


def test_precisions_and_layouts_are_combined():
    settings = BenchmarkSettings(
        ('zero', ), precisions=('float32', 'bfloat16'),
        layouts=('contiguous', 'channels_last'))
    asked = [(c.precision, c.layout) for c in settings.combinations()]
    assert asked == [('float32', 'contiguous'), ('float32', 'channels_last'),
                     ('bfloat16', 'contiguous'), FAST]
    assert settings.combinations()[-1].title.endswith(
        '1 thread, bfloat16, channels_last')
