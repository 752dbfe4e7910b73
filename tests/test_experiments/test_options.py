# SPDX-License-Identifier: Apache-2.0
import argparse
from pathlib import Path

import pytest

from uftsn_mmaction.experiments.options import add_run_options


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
