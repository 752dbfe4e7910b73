# SPDX-License-Identifier: Apache-2.0
"""The page on clusters: its commands, and Slurm as far as one machine shows.

Programs of Slurm are replaced by scripts that start the processes here.
"""
import argparse
import json
import os
import re
import runpy
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from mim.commands.train import cli
from packaging.version import Version
from torch.distributed import run as torchrun

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / 'docs' / 'cluster.md').read_text(encoding='utf-8')

# Starts the command after the options as often as SLURM_NTASKS says.
SRUN = """#!{python}
import os, subprocess, sys
words = sys.argv[1:]
while words[0].startswith('-'):
    words.pop(0)
tasks = [subprocess.Popen(words, env=dict(
    os.environ, SLURM_PROCID=str(task), SLURM_LOCALID=str(task)))
    for task in range(int(os.environ['SLURM_NTASKS']))]
sys.exit(max(task.wait() for task in tasks))
"""
# Only keeps its arguments.
KEEP = """#!{python}
import json, sys
json.dump(sys.argv[1:], open('srun.json', 'w'))
"""
SCONTROL = """#!/bin/sh
[ "$1 $2 $3" = 'show hostnames here[1-2]' ] && echo 127.0.0.1
"""
CONFIG = """
_base_ = ['{root}/configs/tsn_r18_quickstart.py']
train_dataloader = dict(num_workers=0, dataset=dict(
    data_root={data!r}, generator=dict(
        num_train=16, num_test=16, size=(64, 64), num_frames=12)))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None
train_cfg = dict(max_epochs=1)
"""


def blocks_of(language):
    return re.findall(rf'^```{language}\n(.*?)^```', TEXT, re.M | re.S)


COMMANDS = [shlex.split(line) for block in blocks_of('bash')
            for line in block.replace('\\\n', ' ').splitlines()]


@pytest.fixture
def programs(tmp_cwd, monkeypatch):
    """Function that puts programs into the path."""

    def put(**programs):
        (tmp_cwd / 'bin').mkdir()
        for name, text in programs.items():
            path = tmp_cwd / 'bin' / name
            path.write_text(text.replace('{python}', sys.executable))
            path.chmod(0o755)
        monkeypatch.setenv(
            'PATH', f'{tmp_cwd}/bin{os.pathsep}{os.environ["PATH"]}')

    return put


def test_no_block_goes_untested():
    assert TEXT.count('```') == 2 * len(blocks_of('bash') + blocks_of('sh'))
    assert [words[0] for words in COMMANDS] == [
        'mim', 'torchrun', 'torchrun', 'torchrun', 'mim']


@pytest.mark.parametrize('words', [
    words for words in COMMANDS if words[0] == 'torchrun'])
def test_torchrun_and_the_tools_know_their_options(words):
    args = torchrun.parse_args(words[1:])
    parser = runpy.run_path(str(ROOT / args.training_script))['build_parser']
    own = parser().parse_args(args.training_script_args)
    assert own.launcher == 'pytorch' and (ROOT / own.config).is_file()
    assert int(args.nproc_per_node) == 4
    assert ('node1' in args.rdzv_endpoint) == (args.nnodes == '2')


@pytest.mark.parametrize('more', [
    ['--srun-args=--time=24:00:00'],
    pytest.param([], marks=pytest.mark.skipif(
        Version(version('click')) >= Version('8.3'),
        reason='this click is newer than requirements/optional.txt allows')),
])
def test_mim_hands_the_training_to_srun(programs, tmp_cwd, more):
    programs(srun=KEEP)
    (tmp_cwd / 'configs').symlink_to(ROOT / 'configs')
    words = COMMANDS[4]
    done = CliRunner().invoke(cli, [*words[2:], *more])
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_cwd / 'srun.json').read_text())
    assert {'--ntasks=8', '--ntasks-per-node=4', '--gres=gpu:4', 'gpu'} < {
        *kept}
    assert kept[-2:] == ['--launcher', 'slurm']
    assert kept[-3].endswith('uftsn_r18_ucf101.py')


@pytest.mark.slow
def test_the_batch_script_trains_with_two_tasks(programs, tmp_cwd, run_command,
                                                generated_videos):
    programs(srun=SRUN, scontrol=SCONTROL, python=(
        '#!/bin/sh\nexec {python} -W ignore "$@"\n'))
    (tmp_cwd / 'configs').mkdir()
    (tmp_cwd / 'configs/uftsn_r18_ucf101.py').write_text(
        CONFIG.format(root=ROOT, data=str(generated_videos)))
    (tmp_cwd / 'tools').symlink_to(ROOT / 'tools')
    script, = blocks_of('sh')
    (tmp_cwd / 'train.sh').write_text(script.replace('29500', '29517'))
    env = dict(SLURM_JOB_NODELIST='here[1-2]', SLURM_NTASKS='2',
               SLURM_NNODES='2', CUDA_VISIBLE_DEVICES='-1',
               OMP_NUM_THREADS='1')
    done = run_command(['bash', 'train.sh'], cwd=tmp_cwd, env=env)
    # 16 clips of each of two processes, where the config has rates for 16.
    assert 'the current batch size is 32. Scaling the original LR by 2.0' in (
        done.stdout)
    run = tmp_cwd / 'work_dirs/uftsn_r18_ucf101'
    assert torch.load(run / 'epoch_1.pth')['meta']['iter'] == 1
    assert len(list(run.glob('*/*.log'))) == 1


def test_options_of_the_table_are_options(repo_root):
    parser = runpy.run_path(str(ROOT / 'tools/train.py'))['build_parser']()
    table = TEXT[TEXT.index('| keep the step'):TEXT.index('Watch `flow_std`')]
    for options in re.findall(r'`(--[^`]+)`', table):
        assert isinstance(parser.parse_args(
            ['config.py', *shlex.split(options)]), argparse.Namespace)
