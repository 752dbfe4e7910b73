# SPDX-License-Identifier: Apache-2.0
"""Two processes on the CPU, through torchrun and the tools."""
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

# One epoch a stage; 7 videos to test, which two processes cannot share.
OPTIONS = [
    # A narrow classifier: its width is not what is tested.
    'model.backbone._delete_=True', 'model.backbone.type=mmpretrain.ResNet',
    'model.backbone.depth=18',
    'model.backbone.stem_channels=8', 'model.backbone.base_channels=8',
    'model.cls_head.in_channels=64',
    # On any machine, since not all programs here are forks.
    'model.flow_estimator.precision=float32',
    'train_dataloader.batch_size=4', 'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0', 'test_dataloader.num_workers=0',
    'test_dataloader.batch_size=2', 'val_dataloader.batch_size=2',
    'train_cfg.max_epochs=3', 'train_cfg.val_begin=3',
    'default_hooks.stages.stages.classifier.begin=1',
    'default_hooks.stages.stages.joint.begin=2',
    'default_hooks.checkpoint.max_keep_ckpts=10'
]
for _loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
    OPTIONS.append(f'{_loader}.dataset.generator.num_train=16')
    OPTIONS.append(f'{_loader}.dataset.generator.num_test=16')
    OPTIONS.append(f'{_loader}.dataset.generator.size=(32,32)')
    OPTIONS.append(f'{_loader}.dataset.generator.speed=1.0')
    if _loader != 'train_dataloader':
        OPTIONS.append(f'{_loader}.dataset.indices=7')

# Keeps the weights of each process after each epoch.
CONFIG = """
_base_ = ['{root}/configs/uftsn_quickstart.py']
custom_imports = dict(imports=['uftsn_mmaction', 'keep_weights'])
custom_hooks = [dict(type='KeepWeights')]
"""
MODULE = """
import os
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook

@HOOKS.register_module()
class KeepWeights(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        rank = os.environ['RANK']
        path = f'{runner.work_dir}/rank_{rank}'
        with open(path + '.pid', 'w') as file:
            file.write(str(os.getpid()))

    def after_train_epoch(self, runner):
        rank = os.environ['RANK']
        torch.save(runner.model.module.state_dict(),
                   f'{runner.work_dir}/rank_{rank}_epoch_{runner.epoch}.pth')
"""

# Nothing random, and steps in the direction of the gradient itself.
SAME = """
_base_ = ['{root}/configs/uftsn_quickstart.py']
model = dict(pairs_per_clip=None)
train_dataloader = dict(dataset=dict(pipeline={{{{_base_.val_pipeline}}}}))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=1e-3))
default_hooks = dict(
    stages=dict(stages=dict(classifier=None, joint=None)))
"""


@pytest.fixture(scope='module')
def command(repo_root, tmp_path_factory):
    """Function that returns a command of a tool, and its environment."""
    folder = tmp_path_factory.mktemp('two')
    (folder / 'config.py').write_text(CONFIG.format(root=repo_root))
    (folder / 'same.py').write_text(SAME.format(root=repo_root))
    (folder / 'keep_weights.py').write_text(MODULE)
    roots = [f'{part}_dataloader.dataset.data_root={folder}/data'
             for part in ('train', 'val', 'test')]

    def build(tool, *arguments, processes=2, config='config.py'):
        launcher, option = [], []
        if processes > 1:
            launcher = ['-m', 'torch.distributed.run', '--standalone',
                        f'--nproc_per_node={processes}']
            option = ['--launcher', 'pytorch']
        config = folder / config if tool == 'train' else (
            repo_root / 'configs' / 'uftsn_quickstart.py')
        env = dict(
            PYTHONPATH=f'{repo_root}{os.pathsep}{folder}',
            OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1')  # yapf: disable
        return dict(
            command=[
                sys.executable, '-W', 'ignore', *launcher,
                repo_root / 'tools' / f'{tool}.py', config, *arguments,
                *option, '--cfg-options', *OPTIONS, *roots
            ],
            env=env)

    return build


@pytest.fixture(scope='module')
def trained(command, run_command, tmp_path_factory):
    """Folder of a training by two processes, which no server forked."""
    folder = tmp_path_factory.mktemp('trained')
    run_command(**command('train', '--work-dir', folder), cwd=folder)
    return folder


@pytest.mark.slow
def test_processes_agree_after_each_stage(trained):
    for epoch in range(3):
        one, other = (torch.load(trained / f'rank_{rank}_epoch_{epoch}.pth')
                      for rank in range(2))
        saved = torch.load(trained / f'epoch_{epoch + 1}.pth')['state_dict']
        for name in one:
            # Batch norm looks at the data of its own process until
            # the checkpoint.
            if 'running_' not in name:
                assert torch.equal(one[name], other[name]), name
                assert torch.equal(one[name], saved[name]), name


@pytest.mark.slow
def test_each_video_counts_once(trained, command, run_command, tmp_path):
    found = []
    for processes in (1, 2):
        dump = tmp_path / f'{processes}.pkl'
        run_command(
            **command(
                'test', trained / 'epoch_3.pth', '--dump', dump,
                '--work-dir', tmp_path / str(processes),
                processes=processes),
            cwd=tmp_path, fork=True)
        with open(dump, 'rb') as file:
            found.append(pickle.load(file))
    assert len(found[0]) == len(found[1]) == 7
    for one, other in zip(*found):
        assert Path(one['filename']) == Path(other['filename'])
        torch.testing.assert_close(one['pred_score'], other['pred_score'])


@pytest.mark.slow
def test_a_killed_process_ends_the_job(command, start_command, run_command,
                                       wait_until, tmp_path, trained):
    """SIGTERM, which torchrun sends to the rest, saves the present step."""
    more = command('train', '--work-dir', tmp_path)
    with start_command(
            more.pop('command'), **more, cwd=tmp_path, fork=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) as process:
        first = tmp_path / 'epoch_1.pth'
        wait_until(first.exists, process)
        pid = int((tmp_path / 'rank_1.pid').read_text())
        os.kill(pid, signal.SIGKILL)
        assert process.wait() != 0
    # What there is, is enough to go on.
    run_command(**command('train', '--work-dir', tmp_path, '--resume'),
                cwd=tmp_path, fork=True)
    whole, rest = (torch.load(folder / 'epoch_3.pth')['state_dict']
                   for folder in (trained, tmp_path))
    for name in whole:
        assert torch.equal(whole[name], rest[name]), name


@pytest.mark.slow
def test_sigterm_saves_the_same_step_of_all(command, start_command,
                                            run_command, wait_until,
                                            tmp_path, trained):
    more = command('train', '--work-dir', tmp_path)
    with start_command(
            more.pop('command'), **more, cwd=tmp_path, fork=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) as process:
        wait_until((tmp_path / 'epoch_1.pth').exists, process)
        # Not at the same time.
        for rank in (1, 0):
            pid = int((tmp_path / f'rank_{rank}.pid').read_text())
            os.kill(pid, signal.SIGTERM)
        assert process.wait() != 0
    assert (tmp_path / 'interrupted.pth').exists()
    run_command(**command('train', '--work-dir', tmp_path, '--resume'),
                cwd=tmp_path, fork=True)
    whole, rest = (torch.load(folder / 'epoch_3.pth')['state_dict']
                   for folder in (trained, tmp_path))
    for name in whole:
        assert torch.equal(whole[name], rest[name]), name


@pytest.mark.slow
def test_they_train_as_one_with_the_doubled_batch(command, run_command,
                                                  tmp_path):
    """Each pixel has one weight, whichever process has it in its mask."""
    states = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        more = command('train', '--work-dir', folder, processes=processes,
                       config='same.py')
        options = [option for option in more['command']
                   if 'stages.classifier' not in str(option)
                   and 'stages.joint' not in str(option)]
        # Wider vectors round differently for another size of the batch.
        env = dict(more['env'], ONEDNN_MAX_CPU_ISA='AVX2')
        run_command([
            *options, 'train_cfg.max_epochs=2',
            f'train_dataloader.batch_size={8 // processes}'
        ], env=env, cwd=tmp_path, fork=True)
        states.append([torch.load(folder / f'epoch_{epoch}.pth')['state_dict']
                       for epoch in (1, 2)])
    alone, both = states
    for name, before in alone[0].items():
        if not name.startswith('flow_estimator'):
            continue
        step = (alone[1][name] - before).abs().max().item()
        assert step > 0
        for one, other in zip(alone, both):
            # Steps are so small that a weight is rounded to some of them.
            torch.testing.assert_close(
                one[name], other[name], atol=1e-3 * step, rtol=3e-7)
