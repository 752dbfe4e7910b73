# SPDX-License-Identifier: Apache-2.0
"""Trainings that are killed or interrupted, through the tool."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import torch

KILLS = 10
STEPS = 4  # of an epoch
EPOCHS = 4

# Three stages, a worker, two validations, and a checkpoint after each step.
CONFIG = """
_base_ = ['{root}/configs/uftsn_quickstart.py']
model = dict(
    backbone=dict(
        _delete_=True, type='mmpretrain.ResNet', depth=18, stem_channels=4,
        base_channels=4),
    cls_head=dict(in_channels=32))
data = dict(
    data_root='data',
    generator=dict(
        num_train=16, num_test=16, size=(32, 32), num_frames=6, speed=1.0))
train_dataloader = dict(batch_size=4, num_workers=1, dataset=data)
val_dataloader = dict(batch_size=16, num_workers=0, dataset=data)
test_dataloader = dict(dataset=data)
train_cfg = dict(
    max_epochs={epochs}, val_begin=2, val_interval=2, dynamic_intervals=None)
default_hooks = dict(
    logger=dict(interval=1),
    flow_health=dict(warmup=0),  # it would find the stages too short
    checkpoint=dict(by_epoch=False, interval=1, max_keep_ckpts=2),
    stages=dict(stages=dict(classifier=dict(begin=1), joint=dict(begin=2))))
"""

# Imports take most of the time of a start, so that runs are forked after
# them. Each line of the input is a command and a file for its output; told
# are the id of its process and, when it has ended, its status.
FORKS = """
import json, os, runpy, signal, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import torch, mmpretrain.models, stock_tool, uftsn_mmaction
from mmaction.utils import register_all_modules
from mmengine.registry import DefaultScope
register_all_modules(init_default_scope=False)
torch.set_num_threads(1)
# Python leaves it alone where whoever started the tests ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
for line in sys.stdin:
    command, log = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        for number in (1, 2):
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.argv = command
        runpy.run_path(command[0], run_name='__main__')
        sys.exit()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""  # noqa: E501


@pytest.fixture(scope='module')
def train(repo_root, tmp_path_factory, start_command):
    """Function that starts a training.

    Args are the folder and options of ``tools/train.py``. Returns the id of
    its process, a function that waits for its status, and its output.
    """
    folder = tmp_path_factory.mktemp('killed')
    config = folder / 'config.py'
    config.write_text(CONFIG.format(root=repo_root, epochs=EPOCHS))
    tool = str(repo_root / 'tools' / 'train.py')
    with start_command(
            [sys.executable, '-W', 'ignore', '-c', FORKS, tool], cwd=folder,
            env=dict(PYTHONPATH=str(repo_root), OMP_NUM_THREADS='1'),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True) as forks:

        def start(work_dir, *options):
            command = [tool, str(config), '--work-dir', str(work_dir),
                       *options]
            log = folder / f'{uuid.uuid4().hex}.log'
            print(json.dumps((command, str(log))), file=forks.stdin,
                  flush=True)
            child = int(forks.stdout.readline())
            return child, lambda: int(forks.stdout.readline()), log

        yield start


def steps(folder):
    """Return the steps of the checkpoints in a folder."""
    return [int(path.stem.partition('_')[2])
            for path in folder.glob('iter_*.pth')]


def logged(folder):
    """Return all rows of the logs but times, by their kind and step."""
    rows = {}
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            # A kill may have cut off the last one.
            if not line.endswith('}'):
                continue
            row = {name: value for name, value in json.loads(line).items()
                   if name not in ('time', 'data_time')}
            rows.setdefault(('iter' in row, row['step']), []).append(row)
    return rows


@pytest.mark.slow
def test_the_weights_are_those_of_the_undisturbed_run(train, tmp_path,
                                                      wait_until):
    whole = tmp_path / 'whole'
    _, wait, _ = train(whole)
    assert wait() == 0
    times = [path.stat().st_mtime for path in whole.glob('iter_*.pth')]
    duration = max(times) - min(times)  # of a step

    rng = random.Random(0)
    # Each start makes progress or is killed before it could.
    moments = sorted(rng.sample(range(1, STEPS * (EPOCHS - 1)), KILLS))
    folder, resume = tmp_path / 'part', ()
    for kill, moment in enumerate(moments):
        child, wait, _ = train(folder, *resume)
        resume = ('--resume', )

        def has_come():
            os.kill(child, 0)  # noqa: B023, fails if it has ended
            return max(steps(folder), default=0) >= moment  # noqa: B023

        wait_until(has_come)
        # Within a step, a checkpoint, a validation or the next start.
        time.sleep(rng.random() * duration)
        os.kill(child, signal.SIGKILL)
        assert wait() == -signal.SIGKILL
        if kill == 3:
            newest = folder / f'iter_{max(steps(folder))}.pth'
            os.truncate(newest, rng.randrange(newest.stat().st_size))
        if kill == 6:
            folder = folder.rename(tmp_path / 'elsewhere')
    _, wait, _ = train(folder, *resume)
    assert wait() == 0

    last = f'iter_{STEPS * EPOCHS}.pth'
    expected, found = (torch.load(path / last) for path in (whole, folder))
    assert expected['state_dict'].keys() == found['state_dict'].keys()
    for name, value in expected['state_dict'].items():
        assert torch.equal(value, found['state_dict'][name]), name
    torch.testing.assert_close(
        found['optimizer']['state'], expected['optimizer']['state'], rtol=0,
        atol=0)
    # Every step and validation is logged as if nothing had happened.
    rows = logged(folder)
    for key, (row, ) in logged(whole).items():
        assert all(again == row for again in rows[key])
    assert rows.keys() == logged(whole).keys()
    # What the kills left behind is gone.
    assert not list(folder.glob('.*'))
    assert {path.name for path in folder.glob('*.pth')} == {
        path.name for path in whole.glob('*.pth')}
    for log in folder.glob('*/*.log'):
        assert not re.findall('WARNING.*', log.read_text())


@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_no_child(train, tmp_path, wait_until):
    child, wait, output = train(tmp_path / 'run')

    def children():
        # It fails if the training has ended.
        return Path(f'/proc/{child}/task/{child}/children').read_text().split()

    wait_until(lambda: steps(tmp_path / 'run') and children())
    workers = children()
    # What a terminal does.
    os.killpg(child, signal.SIGINT)
    assert wait() == 128 + signal.SIGINT
    assert output.read_text().splitlines()[-1] == 'ended by SIGINT'
    assert 'Traceback' not in output.read_text()
    wait_until(lambda: not any(
        Path(f'/proc/{worker}').exists() for worker in workers))
    # What was saved is there to go on from.
    assert steps(tmp_path / 'run')
