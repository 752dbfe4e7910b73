# SPDX-License-Identifier: Apache-2.0
"""The ablations of table 2 lack what they say, and nothing else."""
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper

from uftsn_mmaction.models.flow import resize_flow

NO_PYRAMID = 'no_multi_scale'
NEITHER = 'no_multi_scale_no_cost_volume'
EXPERIMENTS = ('uftsn_quickstart', 'uftsn_r18_ucf101', 'uftsn_r18_hmdb51',
               'uftsn_r18_ucf101_subset')
ABLATIONS = [(experiment, ablation) for experiment in EXPERIMENTS
             for ablation in (NO_PYRAMID, NEITHER)]
each_ablation = pytest.mark.parametrize('experiment, ablation', ABLATIONS)


def build_estimator(cfg):
    return MODELS.build(cfg.model.flow_estimator)


def count(estimator):
    return sum(parameter.numel() for parameter in estimator.parameters())


def test_every_ablation_is_listed(repo_root):
    shipped = (repo_root / 'configs' / 'ablations').rglob('*.py')
    assert {path.stem
            for path in shipped} == {'_'.join(names)
                                     for names in ABLATIONS}


@each_ablation
def test_all_but_the_estimator_is_the_experiments(experiment, ablation, load):
    """Data, losses, classifier, stages, rates."""
    cfg, plain = load(experiment, ablation).to_dict(), load(
        experiment).to_dict()
    changed = cfg['model'].pop('flow_estimator')
    kept = plain['model'].pop('flow_estimator')
    assert cfg == plain
    without = dict(multi_scale=False)
    if ablation == NEITHER:
        without['use_cost_volume'] = False
    fitted = {'finest_level', 'max_displacement', 'decoder_channels'}
    assert {
        key: value
        for key, value in changed.items()
        if key not in fitted and kept.get(key) != value
    } == without
    # What the pyramid extracts is the same as far as it is used.
    assert changed.get('pyramid_channels') == kept.get('pyramid_channels')


@each_ablation
def test_as_many_parameters_as_the_whole_plan(experiment, ablation, load):
    whole = count(build_estimator(load(experiment)))
    ours = count(build_estimator(load(experiment, ablation)))
    assert abs(ours / whole - 1) < 0.02


@each_ablation
def test_one_estimate_at_one_level(experiment, ablation, load):
    estimator = build_estimator(load(experiment, ablation))
    assert estimator.decoded_levels == (2, )
    assert len(estimator.pyramid.levels) == 2
    clip = torch.rand(1, 3, 2, 64, 64)
    flows = estimator(clip)
    # Every level shows this one flow, for which the losses stay as they are.
    assert len(flows) == len(build_estimator(load(experiment))(clip))
    for level, flow in enumerate(flows):
        size = (64 // 2**level, 64 // 2**level)
        torch.testing.assert_close(flow[:, :, 0],
                                   resize_flow(flows[2][:, :, 0], size))


@pytest.mark.parametrize('experiment', EXPERIMENTS)
def test_the_two_ablations_differ_in_the_cost_volume(experiment, load):
    """As deep, and comparing frames in another way."""
    with_volume, without = (
        build_estimator(load(experiment, ablation)).decoders['2']
        for ablation in (NO_PYRAMID, NEITHER))
    assert len(with_volume.hidden) == len(without.hidden)
    features = build_estimator(load(experiment)).pyramid.channels[2]
    radius = load(experiment, NO_PYRAMID).model.flow_estimator.max_displacement
    assert with_volume.hidden[0].conv.in_channels == (
        features + 2 + (2 * radius + 1)**2)
    assert without.hidden[0].conv.in_channels == features + 2 + features


@pytest.mark.parametrize('experiment', EXPERIMENTS)
def test_without_a_cost_volume_it_sees_as_far(experiment, load):
    """What lies as far as the other searches has to be in sight."""
    estimator = build_estimator(load(experiment, NEITHER))
    clip = torch.rand(1, 3, 2, 128, 128, requires_grad=True)
    estimator(clip)[2][..., 16, 16].sum().backward()
    rows = clip.grad[0, :, 1].abs().sum((0, 2)).nonzero()
    radius = load(experiment, NO_PYRAMID).model.flow_estimator.max_displacement
    assert rows.min() <= 64 - 4 * radius
    assert rows.max() >= 64 + 4 * radius


# HMDB51 differs from UCF101 in its videos and classes alone.
@pytest.mark.parametrize('ablation', (NO_PYRAMID, NEITHER))
@pytest.mark.parametrize('experiment', [
    name for name in EXPERIMENTS if 'hmdb51' not in name])
def test_train_and_test_step(experiment, ablation, load, one_batch):
    cfg = load(experiment, ablation)
    # No download in a test; the rest of the model is as shipped.
    cfg.model.backbone.pop('init_cfg', None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {k: v.clone() for k, v in model.named_parameters()}
    # The other stages do not know of the estimator's insides.
    model.set_stage(['flow_estimator'], dict(flow=1.))
    losses = model.train_step(
        one_batch(cfg.train_dataloader, 'train', num_clips=1), optim_wrapper)
    assert {'loss_difference', 'loss_census', 'loss_smoothness'} < set(losses)
    assert all(torch.isfinite(loss).all() for loss in losses.values())
    for name, value in model.named_parameters():
        moved = not torch.equal(value, before[name])
        assert moved == name.startswith('flow_estimator.'), name
    model.eval()
    samples = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=1))
    for sample in samples:
        assert sample.pred_score.shape == (cfg.model.cls_head.num_classes, )
        assert torch.isfinite(sample.pred_score).all()
