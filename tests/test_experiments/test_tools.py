# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

from uftsn_mmaction.experiments.tools import RunSettings


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
