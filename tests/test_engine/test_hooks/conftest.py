# SPDX-License-Identifier: Apache-2.0
"""Staged training of a small recognizer in a real runner."""
import copy

import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook

PARTS = ('flow_estimator', 'backbone', 'cls_head')
STAGES = [
    dict(name='flow', begin=0),
    dict(name='classifier', begin=2),
    dict(name='joint', begin=4, lr=dict(flow_estimator=1e-4))
]

MODEL = dict(
    type='UFTSNRecognizer',
    clip_len=3,
    pairs_per_clip=1,  # draws random numbers
    flow_estimator=dict(
        type='UnsupervisedFlowEstimator',
        pyramid_channels=(4, 4, 4, 4),
        decoder_channels=((4, ), ) * 5,
        max_displacement=1),
    photometric_loss=dict(type='PhotometricLoss'),
    smoothness_loss=dict(type='SmoothnessLoss'),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        in_channels=4,
        stem_channels=4,
        base_channels=4),
    cls_head=dict(
        type='TSNHead', num_classes=4, in_channels=32, dropout_ratio=0.5))


class ClipDataset(torch.utils.data.Dataset):
    """Four random clips of three frames: two steps are an epoch."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        clip = torch.randint(
            256, (1, 3, 3, 32, 32), dtype=torch.uint8, generator=generator)
        return dict(
            inputs=clip, data_samples=ActionDataSample().set_gt_label(index))


class Recorder(Hook):
    """Keeps what each optimizer step is given."""

    priority = 'LOWEST'

    def before_train(self, runner):
        self.stages, self.rates, self.trains, self.moments = [], [], [], []
        self.scalars = []
        model, optimizer = runner.model, runner.optim_wrapper.optimizer
        part_of = {
            id(p): name.split('.')[0]
            for name, p in model.named_parameters()
        }
        step = optimizer.step

        def recorded_step(*args, **kwargs):
            rates = {part: set() for part in PARTS}
            for group in optimizer.param_groups:
                for parameter in group['params']:
                    rates[part_of[id(parameter)]].add(group['lr'])
            self.rates.append(rates)
            return step(*args, **kwargs)

        optimizer.step = recorded_step

    def after_train_iter(self, runner, batch_idx, data_batch=None,
                         outputs=None):
        model, optimizer = runner.model, runner.optim_wrapper.optimizer
        self.stages.append(runner.message_hub.get_info('stage'))
        self.trains.append({
            name.split('.')[0]
            for name, p in model.named_parameters() if p.requires_grad
        })
        self.moments.append({
            name: copy.deepcopy(optimizer.state[p])
            for name, p in model.named_parameters() if p in optimizer.state
        })
        self.scalars.append({
            key
            for key in runner.message_hub.log_scalars
            if key.startswith('train/')
        })


@pytest.fixture
def model_settings():
    """Settings of the recognizer."""
    return copy.deepcopy(MODEL)


@pytest.fixture
def staged_runner(tiny_runner):
    """Function that builds a runner with stages.

    Two epochs (or iterations) of each stage of the paper, if nothing else is
    said. What happens in each step is kept in ``runner.recorder``.
    """

    def build(work_dir, length=6, stages=STAGES, by_epoch=True, **kwargs):
        settings = dict(
            model=copy.deepcopy(MODEL),
            by_epoch=by_epoch,
            loader=dict(
                dataset=ClipDataset(),
                batch_size=2,
                collate_fn=dict(type='pseudo_collate')),
            val_dataloader=None,
            val_cfg=None,
            val_evaluator=None,
            optim_wrapper=dict(
                optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.1),
                paramwise_cfg=dict(
                    custom_keys=dict(flow_estimator=dict(lr_mult=1.0)))),
            default_hooks=dict(
                checkpoint=dict(
                    type='CheckpointHook', interval=1, by_epoch=by_epoch)),
            custom_hooks=[
                dict(type='EpochSeedHook'),
                dict(
                    type='StagedTrainingHook',
                    stages=stages,
                    by_epoch=by_epoch)
            ])
        settings.update(kwargs)
        runner = tiny_runner(work_dir, length, **settings)
        runner.recorder = Recorder()
        runner.register_hook(runner.recorder)
        return runner

    return build
