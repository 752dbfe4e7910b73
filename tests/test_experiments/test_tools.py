# SPDX-License-Identifier: Apache-2.0
import argparse
import sys
from pathlib import Path

import pytest

from uftsn_mmaction.experiments.tools import RunSettings, add_run_options


@pytest.mark.parametrize('name', ['gpus', 'threads'])
def test_numbers_of_devices_are_checked(name):
    with pytest.raises(ValueError, match=f'{name} must be .*-1'):
        RunSettings(Path('tools'), Path('runs'), **{name: -1})


@pytest.mark.parametrize('gpus', [0, 1, 4])
def test_number_of_gpus(monkeypatch, gpus):
    seen = []
    monkeypatch.setattr('uftsn_mmaction.experiments.tools.run_process',
                        lambda command, env: seen.extend([command, env]) or 3)
    settings = RunSettings(Path('tools'), Path('runs'), gpus, threads=5)
    assert settings.run('test', Path('a.py'), '--b') == 3
    command, env = seen
    assert env['OMP_NUM_THREADS'] == '5'
    assert env.get('CUDA_VISIBLE_DEVICES') == (None if gpus else '-1')
    launcher = [
        '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=4'
    ] if gpus > 1 else []
    assert command == [
        sys.executable, *launcher,
        str(Path('tools', 'test.py')), 'a.py', '--b',
        *(['--launcher', 'pytorch'] if gpus > 1 else [])
    ]


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    add_run_options(parser, Path('repo', 'tools'), 'settings')
    return parser


def test_defaults_are_one_gpu_and_the_shipped_configs(parser):
    args = parser.parse_args([])
    assert args.gpus == 1 and args.cfg_options is None
    assert args.configs_dir == Path('repo', 'configs')


def test_values_are_those_of_a_config(parser):
    args = parser.parse_args([
        '--gpus', '0', '--cfg-options', 'train_cfg.max_epochs=3', 'a=[1,2]',
        'b.c=x=y', '--configs-dir', 'mine'
    ])
    assert args.cfg_options == {
        'train_cfg.max_epochs': 3, 'a': [1, 2], 'b.c': 'x=y'}
    assert args.gpus == 0 and args.configs_dir == Path('mine')


@pytest.mark.parametrize('option', ['x.y', '=1', ''])
def test_what_is_no_setting_ends_with_the_usage(parser, capsys, option):
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(['--cfg-options', option])
    assert caught.value.code == 2
    assert 'KEY=VALUE' in capsys.readouterr().err
