# SPDX-License-Identifier: Apache-2.0
"""Staged training of two processes that see different data.

This file is also the program of the processes: ``python test_distributed.py
FOLDER FIND_UNUSED``, with the variables of a launcher in the environment.
"""
import contextlib
import json
import socket
import sys
from pathlib import Path

import pytest
import torch

STAGES = ['flow', 'classifier', 'joint']
TRAINED = dict(
    flow={'flow_estimator'},
    classifier={'backbone', 'cls_head'},
    joint={'flow_estimator', 'backbone', 'cls_head'})
WORLD_SIZE = 2


def run_process(folder, find_unused):
    """Train two iterations of each stage; save the weights after each."""
    from mmaction.structures import ActionDataSample
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    import uftsn_mmaction  # noqa: F401, registers the components

    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')
    rank = torch.distributed.get_rank()

    class ClipDataset(torch.utils.data.Dataset):
        """Clips that no other process has."""

        def __len__(self):
            return 64

        def __getitem__(self, index):
            generator = torch.Generator().manual_seed(1000 * rank + index)
            clip = torch.randint(
                256, (1, 3, 2, 32, 32), generator=generator).byte()
            sample = ActionDataSample().set_gt_label((rank + index) % 4)
            return dict(inputs=clip, data_samples=sample)

    class SaveStates(Hook):
        priority = 'LOWEST'

        def save(self, runner):
            torch.save(runner.model.module.state_dict(),
                       folder / f'rank_{rank}_iter_{runner.iter}.pth')

        before_train = save

        def after_train_iter(self, runner, *args, **kwargs):
            if runner.iter % 2:
                self.save(runner)

    runner = Runner(
        model=dict(
            type='UFTSNRecognizer',
            clip_len=2,
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
                in_channels=2,
                stem_channels=4,
                base_channels=4),
            cls_head=dict(type='TSNHead', num_classes=4, in_channels=32)),
        work_dir=str(folder / 'work_dir'),
        train_dataloader=dict(
            dataset=ClipDataset(),
            batch_size=2,
            num_workers=0,
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate')),
        train_cfg=dict(by_epoch=False, max_iters=6),
        optim_wrapper=dict(
            optimizer=dict(type='AdamW', lr=1e-2, weight_decay=0.1)),
        custom_hooks=[
            dict(
                type='StagedTrainingHook',
                by_epoch=False,
                stages=[
                    dict(name=name, begin=2 * n)
                    for n, name in enumerate(STAGES)
                ])
        ],
        default_hooks=dict(checkpoint=None, logger=None),
        # What the runner makes of find_unused_parameters in a config, but
        # without a device, which a model on the CPU must not name.
        cfg=dict(
            model_wrapper_cfg=dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=find_unused)),
        launcher='pytorch',
        default_scope='mmaction',
        randomness=dict(seed=0),
        log_level='WARNING')
    runner.register_hook(SaveStates())
    try:
        runner.train()
    except ValueError as error:
        (folder / f'rank_{rank}.json').write_text(json.dumps(str(error)))
    torch.distributed.destroy_process_group()


@pytest.fixture
def launch(tmp_path, repo_root, start_command, wait_until):
    """Function that runs the processes side by side, as ``torchrun`` does."""

    def launch(find_unused):
        processes = {}
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for rank in range(WORLD_SIZE):
                log = tmp_path / f'{rank}.log'
                file = stack.enter_context(log.open('w'))
                process = start_command(
                    [sys.executable, __file__, tmp_path,
                     int(find_unused)],
                    env=dict(
                        PYTHONPATH=str(repo_root),
                        OMP_NUM_THREADS='1',
                        CUDA_VISIBLE_DEVICES='',
                        MASTER_ADDR='127.0.0.1',
                        MASTER_PORT=str(port),
                        WORLD_SIZE=str(WORLD_SIZE),
                        RANK=str(rank),
                        LOCAL_RANK=str(rank)),
                    stdout=file,
                    stderr=file,
                    fork=True)
                processes[log] = stack.enter_context(process)
            for log, process in processes.items():
                wait_until(lambda: process.poll() is not None)  # noqa: B023
                assert process.returncode == 0, log.read_text()

    return launch


def part_of(name):
    return name.split('.')[0]


def is_statistic(name):
    # Batch norm looks at the data of its own process.
    return 'running_' in name


@pytest.mark.slow
def test_processes_agree_after_each_stage(tmp_path, launch):
    launch(find_unused=True)
    # Before training and after each stage.
    states = [[
        torch.load(tmp_path / f'rank_{rank}_iter_{n}.pth')
        for n in (0, 1, 3, 5)
    ] for rank in range(WORLD_SIZE)]
    for first, second in zip(*states):
        for name in first:
            if not is_statistic(name):
                assert torch.equal(first[name], second[name]), name
    # The processes did see different data.
    last = [state[-1] for state in states]
    assert any(
        not torch.equal(last[0][name], last[1][name]) for name in last[0]
        if is_statistic(name))
    for state in states:
        for stage, before, after in zip(STAGES, state, state[1:]):
            changed = {
                part_of(name)
                for name in before
                if not torch.equal(before[name], after[name])
            }
            assert changed == TRAINED[stage], stage


@pytest.mark.slow
def test_unused_parameters_have_to_be_allowed(tmp_path, launch):
    launch(find_unused=False)
    for rank in range(WORLD_SIZE):
        said = json.loads((tmp_path / f'rank_{rank}.json').read_text())
        assert 'find_unused_parameters=True' in said


if __name__ == '__main__':
    run_process(Path(sys.argv[1]), sys.argv[2] == '1')
