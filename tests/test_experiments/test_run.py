# SPDX-License-Identifier: Apache-2.0
import pytest
from filelock import FileLock

from uftsn_mmaction.experiments.run import (
    RunError,
    lock_folder,
    note_failure,
)


def test_two_runs_do_not_share_a_folder(tmp_path):
    folder = tmp_path / 'new' / 'run'
    with lock_folder(folder):
        pass
    with FileLock(folder / '.lock'), pytest.raises(ValueError,
                                                   match='--work-dir'):
        with lock_folder(folder):
            raise AssertionError('it is in use')


def test_a_failure_is_noted_and_a_fault_is_not(capsys):
    reasons = []
    with note_failure('split 2', reasons.append):
        raise RunError('no disk')
    assert reasons == ['no disk']
    assert capsys.readouterr().err == 'error: split 2: no disk\n'
    with pytest.raises(ZeroDivisionError):
        with note_failure('split 2', reasons.append):
            _ = 1 / 0
