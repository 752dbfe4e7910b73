# SPDX-License-Identifier: Apache-2.0
"""Long lists of MMEngine are in the log of those who debug."""
import pytest

NOISE = ('paramwise_options -- ', 'Hooks will be executed', 'Exp name')


@pytest.mark.parametrize('level', ['INFO', 'DEBUG'])
def test_lists_are_for_debugging(tiny_runner, tmp_path, level):
    runner = tiny_runner(
        tmp_path, 2, log_level=level,
        optim_wrapper=dict(
            optimizer=dict(type='Adam', lr=1e-5),
            paramwise_cfg=dict(custom_keys=dict(weight=dict(lr_mult=1)))),
        default_hooks=dict(quiet_log=dict(type='QuietLogHook')))
    runner.train()
    log, = tmp_path.glob('*/*.log')
    log = log.read_text()
    for words in NOISE:
        assert (words in log) == (level == 'DEBUG'), words
    # All else is still there.
    assert 'Epoch(train) [2][3/3]  lr: 1.0000e-05' in log
    assert 'Saving checkpoint at 2 epochs' in log
