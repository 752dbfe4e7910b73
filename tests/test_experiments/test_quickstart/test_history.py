# SPDX-License-Identifier: Apache-2.0
"""The log of an interrupted and resumed run."""
import json

import pytest

from uftsn_mmaction.experiments.quickstart.results import (
    last_validation,
    read_history,
)


def write_log(work_dir, start, lines):
    path = work_dir / start / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(
        line if isinstance(line, str) else json.dumps(line)
        for line in lines))


def validation(epoch, aepe):
    return {'flow/AEPE': aepe, 'step': epoch}


def training(epoch, iteration):
    return dict(loss=1.5, epoch=epoch, iter=iteration, step=iteration)


def test_no_log(tmp_path):
    assert read_history(tmp_path) == {}


def test_validations_of_a_resumed_run(tmp_path):
    # The names are in another order than they are written in.
    write_log(tmp_path, '20260102_000000', [
        training(3, 3),
        validation(2, 0.6),
        validation(3, 0.5),
        training(4, 4)
    ])
    write_log(tmp_path, '20260101_000000', [
        training(1, 1),
        validation(1, 0.9),
        training(2, 2),
        validation(2, 0.7), '{"flow/AEPE": 0.1, "st'
    ])
    history = read_history(tmp_path)
    assert history == {
        1: {'flow/AEPE': 0.9},
        2: {'flow/AEPE': 0.6},
        3: {'flow/AEPE': 0.5}
    }
    assert list(history) == [1, 2, 3]


def test_other_folders_do_not_count(tmp_path):
    write_log(tmp_path / 'deeper', '20260101_000000', [validation(1, 0.9)])
    assert read_history(tmp_path) == {}


def test_last_validation():
    history = {2: {'a': 1}, 4: {'a': 2}, 6: {'a': 3}}
    assert last_validation(history, range(1, 6)) == (4, {'a': 2})
    assert last_validation(history, range(6, 7)) == (6, {'a': 3})
    with pytest.raises(ValueError, match=r'\[2, 4, 6\].*\[5\].*--restart'):
        last_validation(history, range(5, 6))
