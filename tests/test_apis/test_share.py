# SPDX-License-Identifier: Apache-2.0
"""Processes of torchrun and of Slurm arrays share work without overlap."""
import itertools

import pytest

from uftsn_mmaction.apis.share import (
    device_of_this_process,
    share_of_this_process,
)


@pytest.fixture(autouse=True)
def env(monkeypatch):
    """Function that sets exactly these variables of a launcher."""
    names = ['RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'SLURM_PROCID',
             'SLURM_LOCALID', 'SLURM_STEP_NUM_TASKS', *(
        f'SLURM_ARRAY_TASK_{name}'
        for name in ('ID', 'COUNT', 'MIN', 'MAX', 'STEP'))]

    def set_env(**values):
        for name in names:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            name = name if name in names else f'SLURM_ARRAY_TASK_{name}'
            monkeypatch.setenv(name, str(value))

    set_env()
    return set_env


def array(task, first, last, step=1):
    return dict(ID=task, MIN=first, MAX=last, STEP=step,
                COUNT=(last - first) // step + 1)


def test_alone():
    assert share_of_this_process() == (0, 1)


def test_torchrun(env):
    env(RANK=2, WORLD_SIZE=5, LOCAL_RANK=0)
    assert share_of_this_process() == (2, 5)


@pytest.mark.parametrize('first, last, step', [(0, 7, 1), (3, 5, 1),
                                               (0, 8, 4), (1, 12, 3)])
def test_every_task_of_an_array_has_its_share(env, first, last, step):
    shares = []
    for task in range(first, last + 1, step):
        env(**array(task, first, last, step))
        shares.append(share_of_this_process())
    assert [rank for rank, _ in shares] == list(range(len(shares)))
    assert {count for _, count in shares} == {len(shares)}


def test_torchrun_in_an_array(env):
    shares = set()
    for task, rank in itertools.product(range(3), range(2)):
        env(RANK=rank, WORLD_SIZE=2, **array(task, 0, 2))
        shares.add(share_of_this_process())
    assert shares == {(rank, 6) for rank in range(6)}


def test_one_task_alone_does_all(env):
    env(**array(7, 7, 7))
    assert share_of_this_process() == (0, 1)


def test_a_gap_is_refused(env):
    env(ID=3, MIN=3, MAX=9, COUNT=2, STEP=1)
    with pytest.raises(ValueError, match='2 tasks from 3 to 9'):
        share_of_this_process()


def test_local_processes_take_other_gpus(env, monkeypatch):
    monkeypatch.setattr('uftsn_mmaction.apis.share.get_device',
                        lambda: 'cuda')
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    devices = []
    for local in range(3):
        env(LOCAL_RANK=local)
        devices.append(device_of_this_process())
    assert devices == ['cuda:0', 'cuda:1', 'cuda:0']


def test_srun(env):
    env(SLURM_PROCID=3, SLURM_STEP_NUM_TASKS=4)
    assert share_of_this_process() == (3, 4)
    # torchrun on each node of a job knows all processes.
    env(SLURM_PROCID=1, SLURM_STEP_NUM_TASKS=2, RANK=5, WORLD_SIZE=8)
    assert share_of_this_process() == (5, 8)
    # A batch script without srun is one process.
    env(SLURM_PROCID=0)
    assert share_of_this_process() == (0, 1)
    env(SLURM_PROCID=1, SLURM_STEP_NUM_TASKS=2, **array(2, 0, 3))
    assert share_of_this_process() == (5, 8)
