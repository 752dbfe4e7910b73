# SPDX-License-Identifier: Apache-2.0
import json
import os
import platform
from importlib.metadata import version

import numpy as np
import pytest
import torch

import uftsn_mmaction
from uftsn_mmaction.experiments.environment import (
    available_device,
    environment,
    environment_text,
)


def test_what_computes_a_number_is_recorded():
    env = environment()
    assert json.loads(json.dumps(env)) == env
    assert env['PyTorch'] == torch.__version__
    assert env['numpy'] == np.__version__
    assert env['mmaction2'] == version('mmaction2')
    assert env['uftsn_mmaction'] == uftsn_mmaction.__version__
    assert platform.python_version() in env['Python']
    assert env['CPU'].endswith(f', {os.cpu_count()} cores')
    assert not env['CPU'].startswith(',')
    # Not of a training, and pages long.
    assert not {'numpy_random_seed', 'PyTorch compiling details'} & {*env}


def test_a_terminal_shows_all_of_it():
    lines = environment_text({'PyTorch': '2.1', 'CPU': 'x-' * 35}).splitlines()
    assert lines == ['PyTorch: 2.1; CPU:', 'x-' * 35]


@pytest.mark.parametrize('name', ['gpu', 'cuda:99', ''])
def test_a_device_that_is_not_there_is_refused(name):
    assert available_device('cpu') == torch.device('cpu')
    with pytest.raises(ValueError, match=f"'{name}'") as caught:
        available_device(name)
    assert '\n' not in str(caught.value)
