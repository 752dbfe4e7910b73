# SPDX-License-Identifier: Apache-2.0
"""The other flows of table 2 replace the estimator, and nothing else."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper

from uftsn_mmaction.engine.hooks.stage import build_stages

FLOWS = dict(tvl1='TVL1FlowEstimator', pwcnet='PTLFlowEstimator')
CONFIGS = [(f'uftsn_r18_{data_set}', flow)
           for data_set in ('ucf101', 'hmdb51') for flow in FLOWS]
each_config = pytest.mark.parametrize('experiment, flow', CONFIGS)


def stages_of(cfg):
    hook, = (hook for hook in cfg['custom_hooks']
             if hook['type'] == 'StagedTrainingHook')
    return build_stages(hook['stages'])


def test_every_flow_is_listed(repo_root):
    shipped = (repo_root / 'configs' / 'other_flows').rglob('*.py')
    assert {path.stem
            for path in shipped} == {'_'.join(names)
                                     for names in CONFIGS}


@each_config
def test_all_but_flow_and_stages_is_the_experiments(experiment, flow, load):
    cfg, plain = load(experiment, flow).to_dict(), load(experiment).to_dict()
    assert cfg['model'].pop('flow_estimator')['type'] == FLOWS[flow]
    for loss in ('photometric_loss', 'smoothness_loss'):
        assert cfg['model'].pop(loss) is None
        del plain['model'][loss]
    del plain['model']['flow_estimator']
    for key in ('custom_hooks', 'train_cfg'):
        del cfg[key], plain[key]
    assert cfg == plain


@each_config
def test_the_classifier_has_its_epochs_and_rates(experiment, flow, load):
    cfg, plain = load(experiment, flow), load(experiment)
    ours, theirs = stages_of(cfg), stages_of(plain)[1:]
    assert len(ours) == len(theirs) == 2
    start = theirs[0].begin
    for stage, whole in zip(ours, theirs):
        assert stage.begin == whole.begin - start
        for part in ('backbone', 'cls_head'):
            assert part in stage.train
            assert stage.rate_of(part, 0) == whole.rate_of(part, 0) > 0
        assert 'flow_estimator' not in stage.train
        assert stage.losses == dict(cls=1.0)
    assert cfg.train_cfg.max_epochs == plain.train_cfg.max_epochs - start


# HMDB51 differs from UCF101 in its videos and classes alone.
@pytest.mark.parametrize('flow', FLOWS)
def test_train_and_test_step(flow, load, one_batch):
    cfg = load('uftsn_r18_ucf101', flow)
    # No download in a test, and a fast solver; the rest is as shipped.
    cfg.model.backbone.pop('init_cfg', None)
    if flow == 'pwcnet':
        pytest.importorskip('ptlflow')
        assert cfg.model.flow_estimator.pop('checkpoint') == 'things'
    else:
        cfg.model.flow_estimator.preset = 'fast'
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batch = one_batch(cfg.train_dataloader, 'train', num_clips=1)
    for stage in stages_of(cfg):
        before = {k: v.clone() for k, v in model.named_parameters()}
        train = [part for part in stage.train if part in model.parts]
        model.set_stage(train, stage.losses)
        losses = model.train_step(batch, optim_wrapper)
        assert torch.isfinite(losses['loss_cls'])
        moved = {
            name.split('.')[0]
            for name, value in model.named_parameters()
            if not torch.equal(value, before[name])
        }
        assert moved == {'backbone', 'cls_head'}
    model.eval()
    samples = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=1))
    for sample in samples:
        assert sample.pred_score.shape == (101, )
        assert torch.isfinite(sample.pred_score).all()
