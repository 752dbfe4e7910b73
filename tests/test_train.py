# SPDX-License-Identifier: Apache-2.0
"""The three stages through ``mim train``, also killed and resumed."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

# Two epochs a stage on a few small clips, without validation.
OPTIONS = [
    # A narrow classifier: its width is not what is tested.
    'model.backbone._delete_=True', 'model.backbone.type=mmpretrain.ResNet',
    'model.backbone.depth=18',
    'model.backbone.stem_channels=8', 'model.backbone.base_channels=8',
    'model.cls_head.in_channels=64',
    'train_dataloader.batch_size=4', 'train_dataloader.num_workers=1',
    'train_cfg.max_epochs=6', 'train_cfg.val_interval=100',
    'default_hooks.stages.stages.classifier.begin=2',
    'default_hooks.stages.stages.joint.begin=4',
    'default_hooks.checkpoint.max_keep_ckpts=10'
]
for _loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
    OPTIONS.append(f'{_loader}.dataset.generator.num_train=16')
    OPTIONS.append(f'{_loader}.dataset.generator.num_test=16')
    OPTIONS.append(f'{_loader}.dataset.generator.size=(32,32)')
    OPTIONS.append(f'{_loader}.dataset.generator.speed=1.0')


def command(repo_root, work_dir, data_root, *more):
    roots = [
        f'{loader}_dataloader.dataset.data_root={data_root}'
        for loader in ('train', 'val', 'test')
    ]
    mim = Path(sys.executable).with_name('mim')
    return [
        str(mim), 'train', 'mmaction',
        str(repo_root / 'configs' / 'uftsn_quickstart.py'), '--gpus', '0',
        '--work-dir', str(work_dir), *more, '--cfg-options', *OPTIONS, *roots
    ]


def weights(work_dir, epoch):
    return torch.load(
        work_dir / f'epoch_{epoch}.pth', map_location='cpu')['state_dict']


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp('motion')


@pytest.fixture(scope='module')
def uninterrupted(repo_root, data_root, tmp_path_factory, run_command):
    work_dir = tmp_path_factory.mktemp('uninterrupted')
    run_command(command(repo_root, work_dir, data_root), fork=True)
    log, = work_dir.glob('*/*.log')
    return work_dir, log.read_text()


def test_each_stage_trains_its_parts(uninterrupted):
    work_dir, log = uninterrupted
    for name, epoch in (('flow', 0), ('classifier', 2), ('joint', 4)):
        assert log.count(f"Stage '{name}'") == 1
        assert f'from epoch {epoch}:' in log
    epochs = [weights(work_dir, epoch) for epoch in (1, 2, 4, 6)]

    def moved(before, after):
        return {
            name.split('.')[0]
            for name in before if not torch.equal(before[name], after[name])
        }

    first, flow, classifier, joint = epochs
    assert moved(first, flow) == {'flow_estimator'}
    assert moved(flow, classifier) == {'backbone', 'cls_head'}
    assert moved(classifier, joint) == {
        'flow_estimator', 'backbone', 'cls_head'
    }


def test_killed_in_stage_two_and_resumed(uninterrupted, repo_root, data_root,
                                         tmp_path, start_command, run_command,
                                         wait_until):
    with start_command(
            command(repo_root, tmp_path, data_root), fork=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) as process:
        # Epoch 3 is the first of stage 2, and stage 2 has one more.
        wait_until((tmp_path / 'epoch_3.pth').exists, process)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / 'epoch_5.pth').exists()

    run_command(command(repo_root, tmp_path, data_root, '--resume'),
                fork=True)
    log = max(tmp_path.glob('*/*.log')).read_text()
    assert "Stage 'flow'" not in log and "Stage 'classifier'" in log
    expected = weights(uninterrupted[0], 6)
    found = weights(tmp_path, 6)
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.equal(expected[name], found[name]), name
