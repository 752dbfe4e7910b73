# SPDX-License-Identifier: Apache-2.0
"""The soak script notices growth, in a training that it can build."""
import os
import subprocess
import sys

import pytest
import soak
from mmengine.runner import Runner


def rows(number=12, **growing):
    """Measurements that rise by so much a row."""
    start = dict(memory_mb=900., files=30., threads=5., children=0., shm=3.)
    return [{name: value + index * growing.get(name, 0.)
             for name, value in start.items()} for index in range(number)]


@pytest.mark.parametrize('name, rise', [
    ('memory_mb', 20.), ('files', 1.), ('threads', 1.), ('children', 0.5),
    ('shm', 2.)])  # yapf: disable
def test_growth_is_noticed(name, rise):
    assert list(soak.find_growth(rows(**{name: rise}))) == [name]


def test_a_start_and_a_peak_are_no_growth():
    measured = rows()
    for row in measured[:4]:
        row['memory_mb'] -= 500
    measured[-2]['memory_mb'] += 500
    assert soak.find_growth(measured) == {}


def test_what_is_held_is_counted(tmp_path):
    before = soak.measure()
    with open(tmp_path / 'a', 'w'), subprocess.Popen(
            [sys.executable, '-c', 'input()'],
            stdin=subprocess.PIPE) as child:
        held = soak.measure()
        child.communicate()
    assert held['files'] >= before['files'] + 2
    assert held['children'] == before['children'] + 1
    assert soak.measure()['children'] == before['children']
    assert before['memory_mb'] > 50 and before['shm'] == len(
        os.listdir('/dev/shm'))


def test_the_training_can_be_built(tmp_path):
    cfg = soak.build_config(str(tmp_path), 80)
    cfg.experiment_name = tmp_path.name
    runner = Runner.from_cfg(cfg)
    assert runner.train_loop.max_epochs == 10
