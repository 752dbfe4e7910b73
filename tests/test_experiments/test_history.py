# SPDX-License-Identifier: Apache-2.0
"""The log of an interrupted and resumed run."""
import json

import pytest

from uftsn_mmaction.experiments.history import read_history


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
    assert read_history(tmp_path).validations == {}


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
    history = read_history(tmp_path).validations
    assert history == {
        1: {'flow/AEPE': 0.9},
        2: {'flow/AEPE': 0.6},
        3: {'flow/AEPE': 0.5}
    }
    assert list(history) == [1, 2, 3]


def test_other_folders_do_not_count(tmp_path):
    write_log(tmp_path / 'deeper', '20260101_000000', [validation(1, 0.9)])
    assert read_history(tmp_path).validations == {}


def test_steps_and_what_an_epoch_is(tmp_path):
    write_log(tmp_path, '20260101_000000', [
        dict(training(1, 4), loss=9), training(1, 5), training(2, 9)])
    write_log(tmp_path, '20260102_000000', [training(1, 4), training(2, 10)])
    history = read_history(tmp_path)
    assert list(history.steps) == [4, 5, 9, 10]
    assert history.steps[4]['loss'] == 1.5
    assert history.unit == 'epoch' and history.epoch_length == 5
    assert history.progress(9) == pytest.approx(1.8)


def test_a_training_that_counts_iterations(tmp_path):
    step = dict(loss=1., iter=20, step=20)
    write_log(tmp_path, '20260101_000000', [step, validation(20, 0.9)])
    history = read_history(tmp_path)
    assert history.unit == 'iteration' and history.progress(20) == 20
    assert list(history.validations) == [20]


def test_the_last_test_counts(tmp_path):
    for start, value in (('20260101_000000', 0.5), ('20260102_000000', 0.75)):
        (tmp_path / start).mkdir()
        (tmp_path / start / f'{start}.json').write_text(
            json.dumps({'acc/top1': value, 'time': 0.1}))
        (tmp_path / start / 'other.json').write_text('{"acc/top1": 0}')
    assert read_history(tmp_path).test['acc/top1'] == 0.75


def test_what_a_stranger_may_write(tmp_path):
    write_log(tmp_path, '20260101_000000', [
        '[' * 100_000, '[1]', '7', 'null', '\x00', '{"step": "<b>", "a": 1}',
        '{"step": 1, "a": "<script>", "b": NaN, "c": [1], "d": true, '
        '"e": 1e400, "<img>": 2}'])
    assert read_history(tmp_path).validations == {1: {'<img>': 2}}
