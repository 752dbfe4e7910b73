# SPDX-License-Identifier: Apache-2.0
"""Every shipped config builds, trains, tests and says what it should.

The configs are those that are found, so that none goes untested.
"""
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper

from uftsn_mmaction.engine.hooks.stage import build_stages, staged_hook
from uftsn_mmaction.models.flow import resize_flow

ROOT = Path(__file__).resolve().parents[1] / 'configs'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
NO_PYRAMID, NEITHER = ABLATIONS = ('uftsn_no_multi_scale',
                                   'uftsn_no_multi_scale_no_cost_volume')
FLOWS = dict(uftsn_tvl1='TVL1FlowEstimator', uftsn_pwcnet='PTLFlowEstimator')
# What ablations and other flows change.
EXPERIMENTS = ('uftsn_r18_ucf101', 'uftsn_r18_hmdb51')
SMALL = ('uftsn_quickstart', 'uftsn_r18_ucf101_subset')

NAMES = sorted(path.stem for path in ROOT.rglob('*.py')
               if '_base_' not in path.parts)
FUSIONS = [name for name in NAMES if 'fusion' in name]
# Flow estimators that train alone, without a classifier.
ALONE = [name for name in NAMES if name.startswith('flow_')]
STREAMS = [name for name in NAMES if name not in FUSIONS + ALONE]
SPATIAL = [name for name in STREAMS if name.startswith('tsn_')]
# Names and experiments; HMDB51 differs from UCF101 in its data alone.
TRAINED = [(name, None) for name in STREAMS] + [
    (name, experiment) for name in ABLATIONS for experiment in SMALL]
each_ablation = pytest.mark.parametrize('experiment', EXPERIMENTS + SMALL)
of_both_kinds = pytest.mark.parametrize('ablation', ABLATIONS)
each_fusion = pytest.mark.parametrize('name, spatial', [
    *((name, None) for name in FUSIONS),
    ('uftsn_fusion_ucf101_subset', 'tsn_efficientnet_lite0_ucf101_subset')])


@pytest.fixture
def load(monkeypatch):
    """Function that reads a shipped config, with environment variables."""

    def load(name, experiment=None, split=None, spatial=None):
        # Beside this spatial stream, one that starts from weights as well.
        temporal = spatial and 'uftsn_plus_efficientnet_lite0_ucf101_subset'
        for variable, value in (('EXPERIMENT', experiment), ('SPLIT', split),
                                ('SPATIAL', spatial), ('TEMPORAL', temporal),
                                ('TEMPORAL_EPOCH', spatial and 17)):
            if value is None:
                monkeypatch.delenv(variable, raising=False)
            else:
                monkeypatch.setenv(variable, str(value))
        path, = ROOT.rglob(f'{name}.py')
        return Config.fromfile(path)

    return load


def stages_of(cfg):
    return build_stages(staged_hook(cfg).stages)


def has_stages(cfg):
    return 'stages' in cfg.default_hooks


def num_classes_of(cfg):
    return cfg.test_dataloader.dataset.get('num_classes', cfg.num_classes)


def step_of(loader, kind):
    step, = (step for step in loader.dataset.pipeline if step.type == kind)
    return step


def flatten(value, key=''):
    """Settings of a config by dotted keys; items of lists by their number."""
    if isinstance(value, (list, tuple)) and value:
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return {key: value}
    return {
        name: item
        for part, inner in value.items()
        for name, item in flatten(inner, f'{key}.{part}'.lstrip('.')).items()
    }


def changes(cfg, base):
    """Settings that differ, ``{key: (in the base, here)}``."""
    old, new = flatten(base.to_dict()), flatten(cfg.to_dict())
    return {
        key: (old.get(key), new.get(key))
        for key in {*old, *new} if old.get(key) != new.get(key)
    }


def without_downloads(cfg):
    """The same model from a random start, with a fast solver."""
    cfg.model.backbone.pop('init_cfg', None)
    cfg.model.backbone.pop('pretrained', None)
    estimator = cfg.model.get('flow_estimator') or {}
    if estimator.get('type') == 'PTLFlowEstimator':
        if find_spec('ptlflow') is None:
            pytest.skip('ptlflow is optional')
        assert estimator.pop('checkpoint') == 'things'
    elif estimator.get('type') == 'TVL1FlowEstimator':
        estimator.preset = 'fast'
    return cfg


def test_all_kinds_are_found():
    assert (len(FUSIONS), len(SPATIAL)) == (5, 5)
    assert {*EXPERIMENTS, *SMALL, *ABLATIONS, *FLOWS} < {*STREAMS}


@pytest.mark.parametrize('name, experiment', TRAINED)
def test_train_and_test_step(name, experiment, load, one_batch, tmp_path):
    cfg = without_downloads(load(name, experiment))
    for loader in LOADERS:
        for step in cfg[loader].dataset.pipeline:
            if step.type == 'CachedFlow':
                step.cache_dir = str(tmp_path)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batch = one_batch(cfg.train_dataloader, 'train', num_clips=1)
    model.train()

    def parts_that_move():
        before = {k: v.clone() for k, v in model.named_parameters()}
        losses = model.train_step(batch, optim_wrapper)
        assert all(torch.isfinite(loss).all() for loss in losses.values())
        moved = {
            name for name, value in model.named_parameters()
            if not torch.equal(value, before[name])
        }
        return {name.split('.')[0] for name in moved}, moved, losses

    if has_stages(cfg):
        # The last one has nothing that the first two do not have.
        stages = stages_of(cfg)[:2]
        if name in ABLATIONS:
            # The classifier does not know of the estimator's insides.
            stages = stages[:1]
        for stage in stages:
            train = {part for part in stage.train if part in model.parts}
            model.set_stage(sorted(train), stage.losses)
            parts, _, losses = parts_that_move()
            assert parts == train
            terms = {'loss_census', 'loss_smoothness'}
            assert (terms < {*losses}) == ('flow' in stage.losses)
    else:
        parts, moved, _ = parts_that_move()
        assert parts == {'backbone', 'cls_head'}
        # All layers, those of the start too.
        assert len(moved) > 0.9 * len(list(model.parameters()))

    model.eval()
    samples = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=2))
    for sample in samples:
        assert sample.pred_score.shape == (cfg.model.cls_head.num_classes, )
        assert torch.isfinite(sample.pred_score).all()


@pytest.mark.parametrize('plan', ['uftsn_plus', 'uftsn_plus_tiny', 'uftsn'])
def test_an_estimator_trains_alone(plan, load):
    """All of its weights, on generated pairs; a test gives its flow."""
    cfg = load('flow_generated')
    cfg.model.flow_estimator.plan = plan
    model = MODELS.build(cfg.model)
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)

    def batch_of(loader):
        dataset = DATASETS.build(loader.dataset)
        return pseudo_collate([dataset[index] for index in range(2)])

    before = {k: v.clone() for k, v in model.named_parameters()}
    losses = model.train_step(batch_of(cfg.train_dataloader), optim_wrapper)
    assert losses['loss_end_point_error'] > 0
    still = [name for name, value in model.named_parameters()
             if torch.equal(value, before[name])]
    assert not still
    model.eval()
    for sample in model.test_step(batch_of(cfg.val_dataloader)):
        assert sample.pred_flow.shape == sample.gt_flow.shape
        assert torch.isfinite(sample.pred_flow).all()


def test_an_estimator_learns_from_a_folder(load, generated_videos):
    """Of its videos alone, from the weights in the box."""
    cfg = load('flow_videos')
    for loader in LOADERS[:2]:
        cfg[loader].dataset.video_root = str(generated_videos / 'videos')
    model = MODELS.build(cfg.model)
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    train, val = (DATASETS.build(cfg[loader].dataset)
                  for loader in LOADERS[:2])
    files = [[dataset.get_data_info(index)['filename']
              for index in range(len(dataset))] for dataset in (train, val)]
    assert files[0] and files[1] and not {*files[0]} & {*files[1]}

    before = {k: v.clone() for k, v in model.named_parameters()}
    losses = model.train_step(pseudo_collate([train[0]]), optim_wrapper)
    assert {'loss_census', 'loss_smoothness', 'loss_self_supervision'} < {
        *losses}
    assert all(not torch.equal(value, before[name])
               for name, value in model.named_parameters())

    model.eval()
    batch = pseudo_collate([val[0]])
    evaluator = Evaluator(METRICS.build(cfg.val_evaluator))
    evaluator.process(
        [sample.to_dict() for sample in model.val_step(batch)], batch)
    found = evaluator.evaluate(1)
    assert found['flow/photometric'] < found['flow/photometric_zero']


@pytest.mark.parametrize('name', NAMES)
def test_the_best_checkpoint_goes_by_a_metric_of_the_validation(name, load):
    """Another one would end the training after its first epoch."""
    cfg = load(name)
    metric = dict(zip(('acc/top1', 'flow/photometric', 'flow/AEPE'),
                      ('AccMetric', 'ReconstructionError', 'EndPointError')))
    evaluators = cfg.get('val_evaluator') or [dict(type='AccMetric')]
    if not isinstance(evaluators, list):
        evaluators = [evaluators]
    best = cfg.default_hooks.checkpoint.save_best
    assert metric[best] in [evaluator['type'] for evaluator in evaluators]
    assert cfg.default_hooks.checkpoint.rule == (
        'greater' if best == 'acc/top1' else 'less')
    # Pictures wherever there is an estimator.
    assert ('flow_pictures' in cfg.default_hooks
            or 'flow_estimator' not in cfg.model)


@pytest.mark.parametrize('name', NAMES)
def test_rates_are_for_one_process(name, load):
    cfg = load(name)
    assert cfg.auto_scale_lr.enable is False
    if name not in FUSIONS:
        assert cfg.auto_scale_lr.base_batch_size == (
            cfg.train_dataloader.batch_size)


@pytest.mark.parametrize('name', NAMES)
def test_hooks_have_names(name, load):
    """A derived config then changes one without restating the others."""
    cfg = load(name)
    hooks = cfg.default_hooks
    assert hooks.epoch_seed.type == 'EpochSeedHook'
    assert hooks.complete_checkpoint.type == 'CompleteCheckpointHook'
    assert hooks.checkpoint.backend_args.backend == 'atomic'
    # A fusion that is composed of other bases needs its hook too.
    assert cfg.get('custom_hooks', []) == (
        [dict(type='StreamScoresHook')] if name in FUSIONS else [])
    # A motion stream whose estimator is a part of the model has stages.
    assert has_stages(cfg) == ('flow_estimator' in cfg.model
                               and name not in ALONE)


@pytest.mark.parametrize('name', STREAMS)
def test_stages_fit_into_the_training(name, load):
    cfg = load(name)
    if not has_stages(cfg):
        return
    stages = stages_of(cfg)
    names = [stage.name for stage in stages]
    assert names[:3] == ['flow', 'classifier', 'joint'] or (
        names[0] == 'classifier' and 'flow' not in names)
    assert stages[-1].begin < cfg.train_cfg.max_epochs
    assert cfg.find_unused_parameters
    # Where they train the same parts, the optimizer has a group for each.
    assert 'flow_estimator' in cfg.optim_wrapper.paramwise_cfg.custom_keys


@pytest.mark.parametrize('name', STREAMS)
def test_classes_and_clips_are_those_of_the_data(name, load):
    """The list may have every label that the head knows, and no other."""
    cfg = load(name)
    for loader in LOADERS:
        dataset = cfg[loader].dataset
        if dataset.type == 'CheckedVideoDataset':
            assert dataset.num_classes == cfg.model.cls_head.num_classes
        clip_len = step_of(cfg[loader], 'SampleFrames').clip_len
        if 'clip_len' in cfg.model:
            assert clip_len == cfg.model.clip_len
    assert cfg.num_classes == cfg.model.cls_head.num_classes
    # Stock inferencers read the pipeline by this name.
    assert cfg.test_pipeline == cfg.test_dataloader.dataset.pipeline


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_motion_stream(data_set, load):
    """Sec. 3.2: 10 frames, 3 segments, 224x224, ResNet-18, 25 samples."""
    cfg = load(f'uftsn_r18_{data_set}')

    def sampling(loader):
        step = step_of(loader, 'SampleFrames')
        return step.clip_len, step.num_clips

    assert sampling(cfg.train_dataloader) == (10, 3)
    assert sampling(cfg.test_dataloader) == (10, 25)
    assert cfg.model.backbone.depth == 18
    photometric, smoothness = (cfg.model.photometric_loss,
                               cfg.model.smoothness_loss)
    assert (photometric.difference_weight, photometric.census_weight,
            smoothness.weight) == (0.2, 1.0, 50.0)
    types = {step.type for step in cfg.test_dataloader.dataset.pipeline}
    assert not types & {'Flip', 'RandomCrop', 'MultiScaleCrop'}


# -- spatial streams --


@pytest.mark.parametrize('name', SPATIAL)
def test_rates_fall_within_the_training(name, load):
    cfg = load(name)
    epochs = cfg.train_cfg.max_epochs
    scheduler, = cfg.param_scheduler
    if scheduler.type == 'CosineAnnealingLR':
        assert scheduler.T_max == epochs
    else:
        assert scheduler.end == epochs
        assert max(scheduler.milestones) < epochs
    # The last epoch, which is tested, is validated too.
    assert epochs % cfg.train_cfg.val_interval == 0


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_spatial_stream(data_set, load):
    """Sec. 3.2: ResNet-152 on single frames, from ImageNet weights."""
    cfg = load(f'tsn_r152_{data_set}')
    assert cfg.model.type == 'Recognizer2D'
    assert cfg.model.backbone.depth == 152
    assert cfg.model.backbone.pretrained == 'torchvision://resnet152'
    for loader, num_clips in zip(LOADERS, (3, 3, 25)):
        sampling = step_of(cfg[loader], 'SampleFrames')
        assert sampling.num_clips == num_clips
        kept = [step.frames for step in cfg[loader].dataset.pipeline
                if step.type == 'TakeFrames']
        # One frame of each clip, whatever the length of the clip is.
        assert sampling.clip_len == 1 or (len(kept) == 1
                                          and isinstance(kept[0], int))


# -- fusions --

# Steps that a stream's pipeline has to itself: its layout, what it packs.
OWN_STEPS = ('TakeFrames', 'LoadGroundTruthFlow', 'FormatShape',
             'PackActionInputs')
AUGMENTATIONS = ('Flip', 'RandomCrop', 'MultiScaleCrop', 'RandomResizedCrop',
                 'ColorJitter', 'TenCrop', 'ThreeCrop')


def streams_of(cfg):
    return {
        stream: Config.fromfile(found.model)
        for stream, found in cfg.model.streams.items()
    }


@each_fusion
def test_a_fusion_tests_every_stream(name, spatial, load, one_batch):
    cfg = load(name, spatial=spatial)
    for stream in cfg.model.streams.values():
        # Nothing is trained here; the rest of the model is as shipped.
        stream.checkpoint = None
    model = MODELS.build(cfg.model).eval()
    model.per_stream = True
    sample, = model.test_step(
        one_batch(cfg.test_dataloader, 'test', num_clips=2))
    scores = sample.pred_score
    assert set(scores) == {'spatial', 'temporal', 'fusion', 'fusion_prob'}
    for score in scores.values():
        assert score.shape == (num_classes_of(cfg), )
        assert torch.isfinite(score).all()
    # Equal weights; the two streams say different things.
    torch.testing.assert_close(scores['fusion'],
                               (scores['spatial'] + scores['temporal']) / 2)
    assert not torch.allclose(scores['spatial'], scores['temporal'])


@each_fusion
def test_a_stream_alone_sees_what_it_sees_in_the_fusion(name, spatial, load):
    cfg = load(name, spatial=spatial)
    streams = streams_of(cfg)
    fusion = cfg.test_dataloader.dataset
    for stream, alone in streams.items():
        dataset = alone.test_dataloader.dataset
        kept = [step.frames for step in dataset.pipeline
                if step.type == 'TakeFrames']
        frames = cfg.model.streams[stream].get('frames')
        assert kept == ([] if frames is None else [frames])
        # Sampling, sizes and crops are the same, and so are the videos.
        assert [step for step in dataset.pipeline
                if step.type not in OWN_STEPS] == [
                    step for step in fusion.pipeline
                    if step.type not in OWN_STEPS
                ]
        assert {**dataset, 'pipeline': None} == {**fusion, 'pipeline': None}
    sampling = step_of(cfg.test_dataloader, 'SampleFrames')
    assert fusion.pipeline[1] == sampling
    assert streams['temporal'].model.clip_len == sampling.clip_len
    # The frame in the middle, or the one after it.
    assert cfg.model.streams.spatial.frames == sampling.clip_len // 2


@pytest.mark.parametrize('split', [None, 2])
@each_fusion
def test_checkpoints_are_those_that_the_streams_leave(name, spatial, split,
                                                      load):
    cfg = load(name, split=split, spatial=spatial)
    assert spatial in (None, Path(cfg.model.streams.spatial.model).stem)
    for stream, alone in streams_of(cfg).items():
        found = cfg.model.streams[stream]
        # The quickstart has its own folders.
        folder = (f'work_dirs/quickstart/{stream}' if 'quickstart' in name else
                  alone.get('work_dir', f'work_dirs/{Path(found.model).stem}'))
        epochs = alone.train_cfg.max_epochs
        assert found.checkpoint == f'{folder}/epoch_{epochs}.pth'


@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
def test_the_papers_fusion(data_set, load):
    """Sec. 3.2: 25 samples of both streams, no augmentation, the average."""
    cfg = load(f'uftsn_fusion_{data_set}')
    assert {stream: found.model.backbone.depth
            for stream, found in streams_of(cfg).items()} == dict(
                spatial=152, temporal=18)  # yapf: disable
    assert cfg.model.average == 'score'
    assert {found.weight for found in cfg.model.streams.values()} == {1.0}
    pipeline = cfg.test_dataloader.dataset.pipeline
    assert not {step.type for step in pipeline} & set(AUGMENTATIONS)
    sampling = step_of(cfg.test_dataloader, 'SampleFrames')
    assert sampling.num_clips == 25 and sampling.clip_len == 10
    assert sampling.get('frame_interval', 1) == 1 and sampling.test_mode
    # ResNet-152 on 25 samples at once would take several GB.
    assert cfg.model.test_cfg.max_testing_views == 5


# -- splits and data sets --


@pytest.mark.parametrize('split', [2, 3])
@pytest.mark.parametrize('data_set', ['ucf101', 'hmdb51'])
@pytest.mark.parametrize('kind', ['uftsn_r18', 'tsn_r152', 'uftsn_fusion'])
def test_a_split_differs_in_its_lists_alone(kind, data_set, split, load):
    name = f'{kind}_{data_set}'
    plain, cfg = load(name), load(name, split=split)
    found = changes(cfg, plain)
    assert found.pop('split') == (1, split)
    assert found.pop('split_suffix') == ('', f'_split{split}')
    fusion = kind == 'uftsn_fusion'
    lists = {'ann_file_train', 'ann_file_test'}
    lists |= {
        f'{loader}.dataset.ann_file'
        for loader in (LOADERS[2:] if fusion else LOADERS)
    }
    for key in lists:
        old, new = found.pop(key)
        assert f'{data_set}_' in new
        assert new == old.replace('_split_1_', f'_split_{split}_') != old
    # Two splits in one folder would overwrite each other.
    assert found.pop('work_dir') == (None, f'work_dirs/{name}_split{split}')
    for stream in ('spatial', 'temporal') if fusion else ():
        old, new = map(Path, found.pop(f'model.streams.{stream}.checkpoint'))
        assert new == old.parent.with_name(
            f'{old.parent.name}_split{split}') / old.name
    assert not found


@pytest.mark.parametrize('name', ABLATIONS + tuple(FLOWS))
def test_every_variant_has_a_folder_of_its_own(name, load):
    suffix = name.removeprefix('uftsn')
    for experiment in EXPERIMENTS + SMALL[:1]:
        for split, end in ((None, ''), (2, '_split2')):
            cfg = load(name, experiment, split)
            if experiment in SMALL:
                end = ''  # it has one split
            assert cfg.work_dir == f'work_dirs/{experiment}{suffix}{end}'


@pytest.mark.parametrize('name, classes', [
    (f'{kind}_hmdb51', 51)
    for kind in ('uftsn_r18', 'uftsn_plus_r18', 'tsn_r152', 'uftsn_fusion')
] + [('uftsn_r18_kinetics400', 400), ('uftsn_plus_r18_kinetics400', 400)])
def test_a_data_set_differs_in_videos_and_classes_alone(name, classes, load):
    data_set = name.rpartition('_')[2]
    found = changes(load(name), load(name.replace(data_set, 'ucf101')))
    loaders = LOADERS[2:] if 'fusion' in name else LOADERS
    # A stream of the fusion has its classes in its own config.
    heads = [] if 'fusion' in name else ['model.cls_head.num_classes']
    for key in [*heads, 'num_classes'
                ] + [f'{loader}.dataset.num_classes' for loader in loaders]:
        assert found.pop(key) == (101, classes)
    for key in list(found):
        if key == 'split' or key.startswith('data_root'):
            found.pop(key)
        elif key.endswith(('ann_file', 'prefix.video', 'model', 'checkpoint',
                           'file_train', 'file_test')):
            old, new = found.pop(key)
            assert 'ucf101' in old
            assert data_set in new and 'ucf101' not in Path(new).name
    assert not found


def test_kinetics_has_a_folder_for_each_list(load):
    cfg = load('uftsn_r18_kinetics400')
    root = 'data/kinetics400/'
    for loader, part in zip(LOADERS, ('train', 'val', 'val')):
        dataset = cfg[loader].dataset
        assert dataset.ann_file == (
            f'{root}kinetics400_{part}_list_videos.txt')
        assert dataset.data_prefix == dict(video=f'{root}videos_{part}')
    # There is one split, whatever the variable says.
    other = load('uftsn_r18_kinetics400', split=2)
    assert other.to_dict() == cfg.to_dict()


# -- ablations and other flows of table 2 --


def build_estimator(cfg):
    return MODELS.build(cfg.model.flow_estimator)


def count(estimator):
    return sum(parameter.numel() for parameter in estimator.parameters())


@each_ablation
@of_both_kinds
def test_an_ablation_changes_the_estimator_alone(experiment, ablation, load):
    """Data, losses, classifier, stages and rates are the experiment's."""
    cfg, plain = load(ablation, experiment).to_dict(), load(
        experiment).to_dict()
    changed = cfg['model'].pop('flow_estimator')
    kept = plain['model'].pop('flow_estimator')
    del cfg['work_dir']
    assert cfg == plain
    without = dict(multi_scale=False)
    if ablation == NEITHER:
        without['use_cost_volume'] = False
    fitted = {'finest_level', 'max_displacement', 'decoder_channels'}
    # The pyramid too is the same as far as it is used.
    assert {
        key: value
        for key, value in changed.items()
        if key not in fitted and kept.get(key) != value
    } == without


@each_ablation
@of_both_kinds
def test_as_many_parameters_as_the_whole_plan(experiment, ablation, load):
    whole = count(build_estimator(load(experiment)))
    ours = count(build_estimator(load(ablation, experiment)))
    assert abs(ours / whole - 1) < 0.02


@each_ablation
@of_both_kinds
def test_one_estimate_at_one_level(experiment, ablation, load):
    estimator = build_estimator(load(ablation, experiment))
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


@each_ablation
def test_the_two_ablations_differ_in_the_cost_volume(experiment, load):
    """As deep, and comparing frames in another way."""
    with_volume, without = (
        build_estimator(load(ablation, experiment)).decoders['2']
        for ablation in ABLATIONS)
    assert len(with_volume.hidden) == len(without.hidden)
    features = build_estimator(load(experiment)).pyramid.channels[2]
    radius = load(NO_PYRAMID, experiment).model.flow_estimator.max_displacement
    assert with_volume.hidden[0].conv.in_channels == (
        features + 2 + (2 * radius + 1)**2)
    assert without.hidden[0].conv.in_channels == features + 2 + features


@each_ablation
def test_without_a_cost_volume_it_sees_as_far(experiment, load):
    """As far as the other one searches."""
    estimator = build_estimator(load(NEITHER, experiment))
    clip = torch.rand(1, 3, 2, 128, 128, requires_grad=True)
    estimator(clip)[2][..., 16, 16].sum().backward()
    rows = clip.grad[0, :, 1].abs().sum((0, 2)).nonzero()
    radius = load(NO_PYRAMID, experiment).model.flow_estimator.max_displacement
    assert rows.min() <= 64 - 4 * radius
    assert rows.max() >= 64 + 4 * radius


@pytest.mark.parametrize('experiment', EXPERIMENTS)
@pytest.mark.parametrize('name', FLOWS)
def test_another_flow_changes_flow_and_stages_alone(name, experiment, load):
    cfg, plain = load(name, experiment).to_dict(), load(experiment).to_dict()
    assert cfg['model'].pop('flow_estimator')['type'] == FLOWS[name]
    for loss in ('photometric_loss', 'smoothness_loss'):
        assert cfg['model'].pop(loss) is None
        del plain['model'][loss]
    del plain['model']['flow_estimator'], cfg['work_dir']
    for found in (cfg, plain):
        del found['train_cfg'], found['default_hooks']['stages']
    assert cfg == plain


@pytest.mark.parametrize('experiment', EXPERIMENTS + SMALL)
@pytest.mark.parametrize('name', FLOWS)
def test_the_classifier_has_its_epochs_and_rates(name, experiment, load):
    cfg, plain = load(name, experiment), load(experiment)
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
