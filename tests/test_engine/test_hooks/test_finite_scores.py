# SPDX-License-Identifier: Apache-2.0
"""A test of a model of NaNs has no accuracy."""
import pytest
import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

NAN, INF = float('nan'), float('inf')


def check(*scores, loop='test', **metainfo):
    hook = HOOKS.build(dict(type='FiniteScoresHook'))
    samples = []
    for score in scores:
        sample = ActionDataSample(metainfo=metainfo)
        sample.set_field(score, 'pred_score')
        samples.append(sample)
    getattr(hook, f'after_{loop}_iter')(None, 0, {}, samples)


@pytest.mark.parametrize('loop', ['test', 'val'])
@pytest.mark.parametrize('bad', [NAN, INF, -INF])
def test_a_score_that_is_not_finite_ends_the_test(bad, loop):
    good = torch.tensor([1., 2.])
    with pytest.raises(ValueError, match="pred_score .*'x/a.avi'"):
        check(good, torch.tensor([1., bad]), loop=loop, filename='x/a.avi')
    with pytest.raises(ValueError, match="pred_score .*'temporal'"):
        check(dict(spatial=good, temporal=torch.tensor([bad, 0.])), loop=loop)


def test_finite_scores_and_other_results_pass():
    check(torch.tensor([1., 2.]), dict(a=torch.zeros(2), fusion=torch.ones(2)))
    HOOKS.build(dict(type='FiniteScoresHook')).after_test_iter(
        None, 0, {}, [ActionDataSample()])


def test_shipped_configs_have_it(repo_root):
    hooks = Config.fromfile(
        repo_root / 'configs' / 'uftsn_r18_ucf101.py').default_hooks
    assert hooks.finite_scores.type == 'FiniteScoresHook'
