# SPDX-License-Identifier: Apache-2.0
"""The share of a process in work that many machines do."""
from __future__ import annotations

import os

import torch
from mmengine.device import get_device


def share_of_this_process() -> tuple[int, int]:
    """Return the number of this process, and of all that share the work.

    ``torchrun``, ``srun`` and a Slurm job array tell them, also one of the
    first two inside an array; a program that was started alone does all.

    Raises:
        ValueError: If a Slurm array has gaps.
    """
    env = os.environ
    rank, count = int(env.get('RANK', 0)), int(env.get('WORLD_SIZE', 1))
    # Only srun sets the second one; a batch script that starts one process
    # has the first one too.
    if 'RANK' not in env and 'SLURM_STEP_NUM_TASKS' in env:
        rank = int(env.get('SLURM_PROCID', 0))
        count = int(env['SLURM_STEP_NUM_TASKS'])
    if 'SLURM_ARRAY_TASK_ID' in env:
        task, tasks, first, last, step = (
            int(env.get(f'SLURM_ARRAY_TASK_{name}', default))
            for name, default in (('ID', 0), ('COUNT', 1), (
                'MIN', env['SLURM_ARRAY_TASK_ID']),
                ('MAX', env['SLURM_ARRAY_TASK_ID']), ('STEP', 1)))
        if (last - first) // step + 1 != tasks:
            raise ValueError(
                f'the Slurm array has {tasks} tasks from {first} to {last}, '
                'expected one without gaps such as --array=0-7; a new run '
                'does what is left, however many tasks it has')
        rank += count * ((task - first) // step)
        count *= tasks
    return rank, count


def device_of_this_process() -> str:
    """Return the fastest device, another GPU for each local process."""
    device = get_device()
    if device == 'cuda':
        env = os.environ
        local = int(env.get('LOCAL_RANK', env.get('SLURM_LOCALID', 0)))
        device = f'cuda:{local % torch.cuda.device_count()}'
    return device
