# SPDX-License-Identifier: Apache-2.0
"""An estimator's name is enough for stage 2; no stage trains a solver."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner

from uftsn_mmaction.engine.hooks.stage import PRESETS

SOLVERS = [
    dict(type='TVL1FlowEstimator', preset='fast'),
    dict(type='DISFlowEstimator', num_workers=2),
    dict(type='TVNetFlowEstimator', num_warps=1, num_iterations=5)
]
# Nothing of these but the name, as on a command line with --cfg-options.
NAMES = [{'type': cfg['type']} for cfg in SOLVERS] + [
    {'type': 'UnsupervisedFlowEstimator'},
    {'type': 'PTLFlowEstimator', 'model': 'pwcnet'},
    {'type': 'PTLFlowEstimator', 'model': 'raft_small'},
    {'type': 'PTLFlowEstimator', 'model': 'neuflow'},
]


@pytest.fixture(params=SOLVERS, ids=lambda solver: solver['type'])
def solver(request):
    return request.param


@pytest.fixture
def quickstart(repo_root, generated_videos, tmp_path):
    """The config of stage 2 alone, cut to a small epoch."""
    cfg = Config.fromfile(repo_root / 'configs' /
                          'uftsn_dis_r18_quickstart.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.num_workers = 0
        loader.batch_size = 4
        loader.dataset.data_root = str(generated_videos)
        loader.dataset.generator.update(num_train=16, num_test=16)
        loader.dataset.indices = 4
    cfg.train_cfg.max_epochs = 1
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = tmp_path.name
    cfg.log_level = 'WARNING'
    return cfg


@pytest.mark.parametrize('estimator', NAMES, ids=lambda cfg: cfg['type'] +
                         cfg.get('model', ''))
def test_the_name_alone_trains_the_classifier(quickstart, estimator):
    if 'model' in estimator:
        pytest.importorskip('ptlflow')
    quickstart.merge_from_dict({
        f'model.flow_estimator.{key}': value
        for key, value in estimator.items()
    })
    runner = Runner.from_cfg(quickstart)
    before = {
        name: value.clone()
        for name, value in runner.model.named_parameters()
    }
    model = runner.train()
    assert type(model.flow_estimator).__name__ == estimator['type']
    moved = {
        name.split('.')[0]
        for name, value in model.named_parameters()
        if not torch.equal(value, before[name])
    }
    assert moved == {'backbone', 'cls_head'}
    scalars = runner.message_hub.log_scalars
    assert 'train/loss_cls' in scalars and 'train/loss_census' not in scalars
    if estimator in NAMES[:len(SOLVERS)]:
        # Far from zero flow, which is at about 1.2 pixels. Networks have
        # random weights here.
        assert scalars['val/flow/AEPE'].current() < 0.8


@pytest.mark.parametrize('name', ['flow', 'joint'])
def test_a_stage_that_trains_the_solver_is_refused(quickstart, solver, name):
    quickstart.model.flow_estimator = solver
    stages = quickstart.default_hooks.stages.stages
    stages[name] = dict(begin=1)
    runner = Runner.from_cfg(quickstart)
    with pytest.raises(ValueError) as caught:
        runner.train()
    text = str(caught.value)
    assert f"Stage '{name}'" in text and solver['type'] in text
    assert 'cannot be trained' in text


def test_the_refusal_leaves_the_model_as_it_was(solver):
    model = recognizer(flow_estimator=solver)
    for name in ('flow', 'joint'):
        with pytest.raises(ValueError, match='cannot be trained'):
            model.set_stage(PRESETS[name]['train'], PRESETS[name]['losses'])
    assert model.frozen_parts == ()
    assert all(p.requires_grad for p in model.parameters())
    model.set_stage(('backbone', 'cls_head'), dict(cls=1.))


def test_without_a_stage_the_classifier_alone_learns(solver):
    # The losses stay in a config whose estimator is replaced.
    losses = dict(
        photometric_loss=dict(type='PhotometricLoss'),
        smoothness_loss=dict(type='SmoothnessLoss'))
    model = recognizer(flow_estimator=solver, **losses)
    assert model.loss_weights == dict(cls=1.)
    samples = [ActionDataSample().set_gt_label(n) for n in range(2)]
    terms = model.loss(torch.rand(2, 1, 3, 3, 32, 32), samples)
    model.parse_losses(terms)[0].backward()
    assert model.backbone.conv1.weight.grad.any()
    with pytest.raises(ValueError, match='flow loss.*cannot be trained'):
        recognizer(
            flow_estimator=solver,
            loss_weights=dict(cls=1., flow=.1),
            **losses)


def test_what_is_differentiable_trains_in_every_stage():
    model = recognizer(
        flow_estimator=dict(
            type='TVNetFlowEstimator',
            num_warps=1,
            num_iterations=5,
            learnable=True),
        photometric_loss=dict(type='PhotometricLoss', level_weights=(1., )),
        smoothness_loss=dict(type='SmoothnessLoss', level_weights=(1., )))
    for name, part in (('flow', True), ('classifier', False), ('joint', True)):
        train = [p for p in PRESETS[name]['train'] if p != 'neck']
        model.set_stage(train, PRESETS[name]['losses'])
        assert model.flow_estimator.log_weights.requires_grad == part


def recognizer(**kwargs):
    settings = dict(
        type='UFTSNRecognizer',
        clip_len=3,
        backbone=dict(type='mmpretrain.ResNet', depth=18, in_channels=4),
        cls_head=dict(type='TSNHead', num_classes=5, in_channels=512))
    return MODELS.build({**settings, **kwargs})
